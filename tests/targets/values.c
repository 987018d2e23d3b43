/* A target with one variable of every C type, arrays, a structure and strings.
 *
 * "dump" says the first line again with the values of that moment, so that a test sees what this
 * program itself sees after a write. Characters, strings and wide strings are lists of unit numbers. */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stddef.h>
#include "target.h"

typedef const volatile void *Address;
typedef void (*Printer)(Address address, size_t count);

struct record {
    char tag;
    int id;
    double weight;
    void *next;
    short tail;
};

static volatile char c_char = 'x';
static volatile signed char c_signed_char = -128;
static volatile unsigned char c_unsigned_char = 200;
static volatile bool c_bool = true;
static volatile short c_short = -32768;
static volatile unsigned short c_unsigned_short = 65535;
static volatile int c_int = -2147483647 - 1;
static volatile unsigned int c_unsigned_int = 4294967295u;
static volatile long c_long = -2;
static volatile unsigned long c_unsigned_long = 4026531841ul;
static volatile long long c_long_long = -9223372036854775807ll - 1;
static volatile unsigned long long c_unsigned_long_long = 18446744073709551615ull;
static volatile float c_float = -0.1f;
static volatile double c_double = 1.7976931348623157e308;
static volatile wchar_t c_wchar = 0x20AC;
static void *volatile c_pointer = (void *)&c_int;
static volatile size_t c_size_t = SIZE_MAX;

static volatile unsigned char bytes[9] = {0, 1, 127, 128, 255, 10, 13, 34, 92};
static volatile int int_array[16] = {0, 1, -1, 2, -2, 3, -3, 5, -5, 8, -8, 13, -13, 21, -21, 34};
static volatile struct record record = {'r', -7, 2.5, (void *)&c_double, -3};
static volatile char ansi[32] = "plain old text";
static volatile unsigned char utf8[32] = "Gr\xC3\xBC\xC3\x9F""e \xE2\x82\xAC \xF0\x9F\x90\x8D";
static volatile uint16_t utf16[32] = u"Gr\u00FC\u00DFe \u20AC \U0001F40D";

/* One printer per type. */
#define PRINTER(name, type, format, cast)                         \
    static void print_##name(Address address, size_t count)       \
    {                                                             \
        const volatile type *item = address;                      \
        for (size_t i = 0; i < count; i++)                        \
            printf("%s" format, i ? ", " : "", (cast)item[i]);    \
    }

PRINTER(i8, int8_t, "%d", int)
PRINTER(u8, uint8_t, "%u", unsigned)
PRINTER(i16, int16_t, "%d", int)
PRINTER(u16, uint16_t, "%u", unsigned)
PRINTER(i32, int32_t, "%d", int)
PRINTER(u32, uint32_t, "%u", unsigned)
PRINTER(i64, int64_t, "%" LL "d", long long)
PRINTER(u64, uint64_t, "%" LL "u", unsigned long long)
PRINTER(word, uintptr_t, "%" LL "u", unsigned long long)
PRINTER(long, long, "%ld", long)
PRINTER(unsigned_long, unsigned long, "%lu", unsigned long)
PRINTER(wchar, wchar_t, "%u", unsigned)
PRINTER(float, float, "%.17g", double)
PRINTER(double, double, "%.17g", double)

/* How a value is written in JSON: alone, as a list of all, or as a list up to the terminator. */
enum shape { ALONE, LIST, STRING8, STRING16 };

static const struct variable {
    const char *name;
    Address address;
    Printer print;
    enum shape shape;
    size_t count;
} variables[] = {
    {"char", &c_char, print_u8, LIST, 1},
    {"signed_char", &c_signed_char, print_i8, ALONE, 1},
    {"unsigned_char", &c_unsigned_char, print_u8, ALONE, 1},
    {"bool", &c_bool, print_u8, ALONE, 1},
    {"short", &c_short, print_i16, ALONE, 1},
    {"unsigned_short", &c_unsigned_short, print_u16, ALONE, 1},
    {"int", &c_int, print_i32, ALONE, 1},
    {"unsigned_int", &c_unsigned_int, print_u32, ALONE, 1},
    {"long", &c_long, print_long, ALONE, 1},
    {"unsigned_long", &c_unsigned_long, print_unsigned_long, ALONE, 1},
    {"long_long", &c_long_long, print_i64, ALONE, 1},
    {"unsigned_long_long", &c_unsigned_long_long, print_u64, ALONE, 1},
    {"float", &c_float, print_float, ALONE, 1},
    {"double", &c_double, print_double, ALONE, 1},
    {"wchar", &c_wchar, print_wchar, LIST, 1},
    {"pointer", &c_pointer, print_word, ALONE, 1},
    {"size_t", &c_size_t, print_word, ALONE, 1},
    {"bytes", bytes, print_u8, LIST, 9},
    {"int_array", int_array, print_i32, LIST, 16},
    {"record", &record, print_u8, LIST, sizeof record},
    {"record.tag", &record.tag, print_u8, LIST, 1},
    {"record.id", &record.id, print_i32, ALONE, 1},
    {"record.weight", &record.weight, print_double, ALONE, 1},
    {"record.next", &record.next, print_word, ALONE, 1},
    {"record.tail", &record.tail, print_i16, ALONE, 1},
    {"ansi", ansi, print_u8, STRING8, sizeof ansi},
    {"utf8", utf8, print_u8, STRING8, sizeof utf8},
    {"utf16", utf16, print_u16, STRING16, sizeof utf16 / sizeof *utf16},
};

static const size_t variable_count = sizeof variables / sizeof *variables;

static size_t length(const struct variable *variable)
{
    if (variable->shape == STRING8)
        return strnlen((const char *)variable->address, variable->count);
    if (variable->shape == STRING16) {
        const volatile uint16_t *units = variable->address;
        size_t count = 0;

        while (count < variable->count && units[count])
            count++;
        return count;
    }
    return variable->count;
}

static void print_value(const struct variable *variable)
{
    printf(variable->shape == ALONE ? "" : "[");
    variable->print(variable->address, length(variable));
    printf(variable->shape == ALONE ? "" : "]");
}

static void dump(void)
{
    say_start();
    printf(", \"addresses\": {");
    for (size_t i = 0; i < variable_count; i++)
        printf("%s\"%s\": %" LL "u", i ? ", " : "", variables[i].name,
               (unsigned long long)(uintptr_t)variables[i].address);
    printf("}, \"values\": {");
    for (size_t i = 0; i < variable_count; i++) {
        printf("%s\"%s\": ", i ? ", " : "", variables[i].name);
        print_value(&variables[i]);
    }
    printf("}");
    say_end();
}

int MAIN(void)
{
    char line[64];

    dump();
    while (hear(line, sizeof line)) {
        if (strcmp(line, "dump") == 0)
            dump();
        else
            say_error("unknown command");
    }
    return 0;
}
