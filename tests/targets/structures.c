/* A target with structures, which says how the compiler has laid them out.
 *
 *   dump               the first line again, with the values of that moment
 *   bytes              the player's bytes, in hexadecimal
 *   target             what the player's pointer leads to, as the program follows it
 *
 * Strings are lists of unit numbers. */
#include <stdbool.h>
#include <stddef.h>
#include "target.h"

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

struct player {
    char grade;
    float health;
    char name[16];
    wchar_t title[13];
    struct item bag[3];
    struct cell cell;
    double position[3];
    short grid[2][3];
    struct player *target;
    wchar_t *motto;
    const char *clan;
    int *score;
    bool alive;
    long long id;
    unsigned long flags;
    size_t mass;
    void *handler;
    union {
        unsigned int whole;
        unsigned short halves[2];
    } either;
    char last;
};

struct boss {
    struct player player;
    char rage;
    long long power;
};

#pragma pack(push, 1)
struct packet {
    char kind;
    int length;
    double payload[2];
    short check;
};
#pragma pack(pop)

static int score = 41;
static wchar_t motto[32] = L"Gr\u00FC\u00DFe \U0001F40D";
static struct player other;
static struct player player = {
    'A', 2.5f, "Zo\xC3\xAB", L"Gr\u00E4fin", {{1, 2}, {3, 4}, {-5, 65535}},
    {'c', -0.5, {{6, 7}, {8, 9}}, 'e'}, {1.0, -2.0, 3.5}, {{1, 2, 3}, {-4, -5, -6}},
    &other, motto, "old oak", &score, true, -9000000000ll, 0xF0000001ul, 77, NULL,
    {0x00020001u}, 'z',
};
static struct player other = {
    'B', 1.0f, "sixteen letters!", L"", {{0, 0}, {0, 0}, {0, 0}}, {'d', 0.0, {{0, 0}, {0, 0}}, 'f'},
    {0.0, 0.0, 0.0}, {{0, 0, 0}, {0, 0, 0}}, &player, NULL, NULL, NULL, false, 0, 0, 0, NULL, {0}, 'y',
};
static struct boss boss = {.player = {.grade = 'C'}, .rage = 'r', .power = 1ll << 40};
static struct packet packet = {'p', 7, {0.5, -0.5}, -2};

struct fact {
    const char *name;
    size_t number;
};

#define OFFSET(type, field) {#type "." #field, offsetof(struct type, field)}
#define SIZE(type) {#type, sizeof(struct type)}

static const struct fact offsets[] = {
    OFFSET(item, kind), OFFSET(item, count), OFFSET(cell, tag), OFFSET(cell, weight),
    OFFSET(cell, items), OFFSET(cell, end), OFFSET(player, grade), OFFSET(player, health),
    OFFSET(player, name), OFFSET(player, title), OFFSET(player, bag), OFFSET(player, cell),
    OFFSET(player, position), OFFSET(player, grid), OFFSET(player, target), OFFSET(player, motto),
    OFFSET(player, clan), OFFSET(player, score), OFFSET(player, alive), OFFSET(player, id),
    OFFSET(player, flags), OFFSET(player, mass), OFFSET(player, handler), OFFSET(player, either),
    OFFSET(player, last), OFFSET(boss, rage), OFFSET(boss, power), OFFSET(packet, kind),
    OFFSET(packet, length), OFFSET(packet, payload), OFFSET(packet, check),
};
static const struct fact sizes[] = {SIZE(item), SIZE(cell), SIZE(player), SIZE(boss), SIZE(packet)};

static void say_facts(const char *title, const struct fact *facts, size_t count)
{
    printf(", \"%s\": {", title);
    for (size_t i = 0; i < count; i++)
        printf("%s\"%s\": %u", i ? ", " : "", facts[i].name, (unsigned)facts[i].number);
    printf("}");
}

static void say_address(const char *name, const void *address)
{
    printf("%s\"%s\": %I64u", name[0] == '.' ? "" : ", ", name + (name[0] == '.'),
           (unsigned long long)(uintptr_t)address);
}

static void say_addresses(void)
{
    printf(", \"addresses\": {");
    say_address(".player", &player);
    say_address("other", &other);
    say_address("boss", &boss);
    say_address("packet", &packet);
    say_address("motto", motto);
    say_address("score", &score);
    say_address("player.name", player.name);
    say_address("player.bag[1].count", &player.bag[1].count);
    say_address("player.cell.items[1].kind", &player.cell.items[1].kind);
    say_address("player.grid[1][2]", &player.grid[1][2]);
    printf("}");
}

static void say_units(const char *name, const wchar_t *text)
{
    printf(", \"%s\": [", name);
    for (size_t i = 0; text[i]; i++)
        printf("%s%u", i ? ", " : "", (unsigned)text[i]);
    printf("]");
}

static void say_items(const char *name, const struct item *items, size_t count)
{
    printf(", \"%s\": [", name);
    for (size_t i = 0; i < count; i++)
        printf("%s{\"kind\": %d, \"count\": %u}", i ? ", " : "", items[i].kind, items[i].count);
    printf("]");
}

/* The fields as this program reads them by their names. */
static void say_values(const struct player *of)
{
    printf(", \"values\": {\"grade\": %d, \"health\": %.9g, \"name\": [", of->grade, of->health);
    for (size_t i = 0; i < sizeof of->name && of->name[i]; i++)
        printf("%s%u", i ? ", " : "", (unsigned char)of->name[i]);
    printf("]");
    say_units("title", of->title);
    say_items("bag", of->bag, 3);
    printf(", \"cell\": {\"tag\": %d, \"weight\": %.17g, \"end\": %d", of->cell.tag, of->cell.weight,
           of->cell.end);
    say_items("items", of->cell.items, 2);
    printf("}, \"position\": [%.17g, %.17g, %.17g]", of->position[0], of->position[1], of->position[2]);
    printf(", \"grid\": [[%d, %d, %d], [%d, %d, %d]]", of->grid[0][0], of->grid[0][1], of->grid[0][2],
           of->grid[1][0], of->grid[1][1], of->grid[1][2]);
    say_address("target", of->target);
    say_address("motto", of->motto);
    say_address("clan", of->clan);
    say_address("score", of->score);
    printf(", \"alive\": %s, \"id\": %I64d, \"flags\": %lu", of->alive ? "true" : "false", of->id, of->flags);
    printf(", \"mass\": %I64u", (unsigned long long)of->mass);
    say_address("handler", of->handler);
    printf(", \"either\": {\"whole\": %u, \"halves\": [%u, %u]}", of->either.whole, of->either.halves[0],
           of->either.halves[1]);
    printf(", \"last\": %d, \"scored\": %d", of->last, score);
    say_units("said", motto);
    printf("}");
}

static void dump(const struct player *of)
{
    say_start();
    say_facts("offsets", offsets, sizeof offsets / sizeof *offsets);
    say_facts("sizes", sizes, sizeof sizes / sizeof *sizes);
    say_addresses();
    say_values(of);
    say_end();
}

static void say_bytes(void)
{
    printf("{\"bytes\": \"");
    for (size_t i = 0; i < sizeof player; i++)
        printf("%02x", ((const unsigned char *)&player)[i]);
    printf("\"");
    say_end();
}

int wmain(void)
{
    char line[64];

    dump(&player);
    while (hear(line, sizeof line)) {
        if (strcmp(line, "dump") == 0)
            dump(&player);
        else if (strcmp(line, "target") == 0)
            dump(player.target);
        else if (strcmp(line, "bytes") == 0)
            say_bytes();
        else
            say_error("unknown command");
    }
    return 0;
}
