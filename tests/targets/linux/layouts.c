/* A target that says how its compiler lays structures out, and has some with values.
 *
 *   dump      the first line again, with the values of that moment
 */
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <wchar.h>
#include "../target.h"

/* The types of memaccess' table: its name, and C's. */
#define TYPES(X) \
    X(char, char) X(signed_char, signed char) X(unsigned_char, unsigned char) X(bool, bool) \
    X(wchar, wchar_t) X(short, short) X(unsigned_short, unsigned short) X(int, int) \
    X(unsigned_int, unsigned int) X(long, long) X(unsigned_long, unsigned long) \
    X(long_long, long long) X(unsigned_long_long, unsigned long long) X(float, float) \
    X(double, double) X(pointer, void *) X(size_t, size_t) X(int8, int8_t) X(uint8, uint8_t) \
    X(int16, int16_t) X(uint16, uint16_t) X(int32, int32_t) X(uint32, uint32_t) \
    X(int64, int64_t) X(uint64, uint64_t)

#define PROBE(name, type) struct probe_##name { char before; type it; char after; };
TYPES(PROBE)

struct item {
    int kind;
    unsigned short count;
};

struct cell {
    char tag;
    double weight;
    struct item items[2];
    char end;
};

union either {
    long long whole;
    unsigned int halves[2];
    char text[12];
};

struct mixed {
    char grade;
    long long id;
    float health;
    double position[3];
    char mark;
    struct cell cells[2];
    short grid[2][3];
    union either either;
    bool alive;
    unsigned long flags;
    wchar_t title[7];
    char name[5];
    size_t mass;
    struct mixed *target;
    wchar_t *motto;
    long debt;
    void *handler;
    int level;
    uint64_t score;
    char last;
};

struct boss {
    struct mixed mixed;
    char rage;
    long long power;
};

#pragma pack(push, 2)
struct packet {
    char kind;
    double payload;
    int length;
    char check;
};
#pragma pack(pop)

static wchar_t motto[] = L"Gr\u00FC\u00DFe \U0001F40D";
static struct mixed other;
static struct mixed mixed = {
    'A', -9000000000ll, 2.5f, {1.0, -2.0, 3.5}, 'm',
    {{'c', -0.5, {{6, 7}, {8, 9}}, 'e'}, {'d', 0.25, {{-1, 2}, {3, 65535}}, 'f'}},
    {{1, 2, 3}, {-4, -5, -6}}, {0x300000002ll}, true, 0xF0000001ul, L"Gr\u00E4fin", "Zo\xC3\xAB",
    77, &other, motto, -8, NULL, 12, 1ull << 63, 'z',
};
static struct mixed other = {.grade = 'B', .target = &mixed, .last = 'y'};
static struct boss boss = {.mixed = {.grade = 'C'}, .rage = 'r', .power = 1ll << 40};
static struct packet packet = {'p', 0.5, 7, 'c'};

static const char *between = "";

static void say_number(const char *name, unsigned long long number)
{
    printf("%s\"%s\": %llu", between, name, number);
    between = ", ";
}

static void open_part(const char *name)
{
    printf("%s\"%s\": {", between, name);
    between = "";
}

static void close_part(void)
{
    printf("}");
    between = ", ";
}

#define SIZE(type) say_number(#type, sizeof(type))
#define ALIGNMENT(type) say_number(#type, alignof(type))
#define OFFSET(type, field) say_number(#type "." #field, offsetof(type, field))
#define STRUCTURES(X) X(struct item); X(struct cell); X(union either); X(struct mixed); X(struct boss); X(struct packet)

#define SIZE_OF_PROBE(name, type) SIZE(struct probe_##name);
#define ALIGNMENT_OF_PROBE(name, type) ALIGNMENT(struct probe_##name);
#define OFFSETS_OF_PROBE(name, type) OFFSET(struct probe_##name, it); OFFSET(struct probe_##name, after);
#define IN_MIXED(field) OFFSET(struct mixed, field)

static void say_layouts(void)
{
    open_part("sizes");
    STRUCTURES(SIZE);
    TYPES(SIZE_OF_PROBE)
    close_part();
    open_part("alignments");
    STRUCTURES(ALIGNMENT);
    TYPES(ALIGNMENT_OF_PROBE)
    close_part();
    open_part("offsets");
    TYPES(OFFSETS_OF_PROBE)
    OFFSET(struct item, count);
    OFFSET(struct cell, weight); OFFSET(struct cell, items); OFFSET(struct cell, end);
    IN_MIXED(grade); IN_MIXED(id); IN_MIXED(health); IN_MIXED(position); IN_MIXED(mark); IN_MIXED(cells);
    IN_MIXED(grid); IN_MIXED(either); IN_MIXED(alive); IN_MIXED(flags); IN_MIXED(title); IN_MIXED(name);
    IN_MIXED(mass); IN_MIXED(target); IN_MIXED(motto); IN_MIXED(debt); IN_MIXED(handler);
    IN_MIXED(level); IN_MIXED(score); IN_MIXED(last);
    OFFSET(struct boss, rage); OFFSET(struct boss, power);
    OFFSET(struct packet, payload); OFFSET(struct packet, length); OFFSET(struct packet, check);
    close_part();
}

/* As this program reads them by their names. */
static void say_values(void)
{
    printf(", \"values\": {\"grade\": %d, \"id\": %lld, \"health\": %.9g", mixed.grade, mixed.id, mixed.health);
    printf(", \"position\": [%.17g, %.17g, %.17g]", mixed.position[0], mixed.position[1], mixed.position[2]);
    printf(", \"cells\": [");
    for (int i = 0; i < 2; i++)
        printf("%s[%d, %.17g, %d, %u, %d]", i ? ", " : "", mixed.cells[i].tag, mixed.cells[i].weight,
               mixed.cells[i].items[1].kind, mixed.cells[i].items[1].count, mixed.cells[i].end);
    printf("], \"grid\": [[%d, %d, %d], [%d, %d, %d]]", mixed.grid[0][0], mixed.grid[0][1], mixed.grid[0][2],
           mixed.grid[1][0], mixed.grid[1][1], mixed.grid[1][2]);
    printf(", \"whole\": %lld, \"flags\": %lu, \"mass\": %llu", mixed.either.whole, mixed.flags,
           (unsigned long long)mixed.mass);
    printf(", \"debt\": %ld, \"level\": %d, \"score\": %llu, \"last\": %d}", mixed.debt, mixed.level,
           (unsigned long long)mixed.score, mixed.last);
}

static void dump(void)
{
    say_start();
    between = ", ";
    say_layouts();
    open_part("addresses");
    say_number("mixed", (uintptr_t)&mixed);
    say_number("other", (uintptr_t)&other);
    say_number("boss", (uintptr_t)&boss);
    say_number("packet", (uintptr_t)&packet);
    say_number("motto", (uintptr_t)motto);
    close_part();
    say_values();
    say_end();
}

int main(void)
{
    char line[64];

    dump();
    while (hear(line, sizeof line))
        if (strcmp(line, "dump") == 0)
            dump();
        else
            say_error("unknown command");
    return 0;
}
