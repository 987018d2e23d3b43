/* A target that changes its memory when it is told to.
 *
 *   set NAME VALUE     give a variable another value; C notation
 *   allocate SIZE      allocate memory; say where it is
 *   free ADDRESS       free it again
 */
#include <stdbool.h>
#include "target.h"

static volatile char c_char = 'x';
static volatile bool c_bool;
static volatile short c_short = 1000;
static volatile int c_int = 100;
static volatile unsigned long c_unsigned_long = 7;
static volatile long long c_long_long = -1;
static volatile float c_float = 1.5f;
static volatile double c_double = 2.5;
static volatile wchar_t c_wchar = 'w';
static void *volatile c_pointer = (void *)&c_int;
static struct {
    char tag;
    int value;
} __attribute__((packed)) volatile packed = {'p', 5};

static const struct variable {
    const char *name;
    volatile void *address;
    size_t size;
    bool is_float;
} variables[] = {
    {"char", &c_char, sizeof c_char, false},
    {"bool", &c_bool, sizeof c_bool, false},
    {"short", &c_short, sizeof c_short, false},
    {"int", &c_int, sizeof c_int, false},
    {"unsigned_long", &c_unsigned_long, sizeof c_unsigned_long, false},
    {"long_long", &c_long_long, sizeof c_long_long, false},
    {"float", &c_float, sizeof c_float, true},
    {"double", &c_double, sizeof c_double, true},
    {"wchar", &c_wchar, sizeof c_wchar, false},
    {"pointer", &c_pointer, sizeof c_pointer, false},
    {"packed.value", (char *)&packed + 1, sizeof(int), false},
};

static const size_t variable_count = sizeof variables / sizeof *variables;

static void say_addresses(void)
{
    say_start();
    printf(", \"addresses\": {");
    for (size_t i = 0; i < variable_count; i++)
        printf("%s\"%s\": %I64u", i ? ", " : "", variables[i].name,
               (unsigned long long)(uintptr_t)variables[i].address);
    printf("}");
    say_end();
}

static void store(const struct variable *variable, const char *text)
{
    double real = strtod(text, NULL);
    float narrow = (float)real;
    long long whole = strtoll(text, NULL, 0);

    if (!variable->is_float)
        memcpy((void *)variable->address, &whole, variable->size);
    else if (variable->size == sizeof narrow)
        memcpy((void *)variable->address, &narrow, sizeof narrow);
    else
        memcpy((void *)variable->address, &real, sizeof real);
}

static void set(const char *name, const char *text)
{
    for (size_t i = 0; i < variable_count; i++) {
        if (strcmp(variables[i].name, name) != 0)
            continue;
        store(&variables[i], text);
        printf("{\"address\": %I64u", (unsigned long long)(uintptr_t)variables[i].address);
        say_end();
        return;
    }
    say_error("unknown variable");
}

static void allocate(SIZE_T size)
{
    void *base = VirtualAlloc(NULL, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);

    if (!base) {
        say_error("allocate");
        return;
    }
    printf("{\"base\": %I64u", (unsigned long long)(uintptr_t)base);
    say_end();
}

static void free_memory(const char *address)
{
    if (!VirtualFree((void *)(uintptr_t)strtoull(address, NULL, 0), 0, MEM_RELEASE)) {
        say_error("free");
        return;
    }
    printf("{\"freed\": true");
    say_end();
}

static void obey(const char *line)
{
    char name[32], value[64];
    unsigned size;

    if (sscanf(line, "set %31s %63s", name, value) == 2)
        set(name, value);
    else if (sscanf(line, "allocate %u", &size) == 1)
        allocate(size);
    else if (sscanf(line, "free %63s", value) == 1)
        free_memory(value);
    else
        say_error("unknown command");
}

int wmain(void)
{
    char line[128];

    say_addresses();
    while (hear(line, sizeof line))
        obey(line);
    return 0;
}
