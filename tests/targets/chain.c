/* A small game whose player is found by following pointers alone: world, player, health.
 *
 *   level   another level: a new world and a new player elsewhere
 *   menu    no player until the next level
 *   hit N   the player loses so much health
 *
 * Each answer says where everything is now; what does not exist is at 0. argv[1] is how many blocks
 * are allocated first, so that the heap's addresses are others than in a run with another number. */
#include <stddef.h>
#include "target.h"

/* The offsets are the same in both widths. */
struct player {
    unsigned char before_health[0x158];
    int health;
};

struct world {
    unsigned char before_player[0x18];
    struct player *player;
};

_Static_assert(offsetof(struct player, health) == 0x158, "the health is at +158");
_Static_assert(offsetof(struct world, player) == 0x18, "the player is at +18");

static struct world *volatile world;

static void *allocate(size_t size)
{
    void *block = calloc(1, size);

    if (!block) {
        say_error("calloc");
        exit(1);
    }
    return block;
}

static void start_level(void)
{
    struct world *next = allocate(sizeof *next);

    next->player = allocate(sizeof *next->player);
    next->player->health = 100;
    /* The old ones go last, or the new ones would get their places. */
    if (world)
        free(world->player);
    free(world);
    world = next;
}

static void open_menu(void)
{
    free(world->player);
    world->player = NULL;
}

static void say_address(const char *name, const volatile void *address)
{
    printf("\"%s\": %I64u", name, (unsigned long long)(uintptr_t)address);
}

static void say_state(void)
{
    struct player *player = world->player;

    say_start();
    printf(", ");
    say_address("base", GetModuleHandleW(NULL));
    printf(", \"addresses\": {");
    say_address("world", &world);
    printf(", ");
    say_address("player", &world->player);
    printf(", ");
    say_address("health", player ? &player->health : NULL);
    printf("}, \"health\": %d", player ? player->health : 0);
    say_end();
}

static void obey(const char *line)
{
    int damage;

    if (strcmp(line, "level") == 0)
        start_level();
    else if (strcmp(line, "menu") == 0)
        open_menu();
    else if (sscanf(line, "hit %d", &damage) == 1 && world->player)
        world->player->health -= damage;
    else {
        say_error("unknown command, or no player");
        return;
    }
    say_state();
}

int wmain(int argc, wchar_t **argv)
{
    char line[64];

    for (int blocks = argc > 1 ? _wtoi(argv[1]) : 0; blocks > 0; blocks--)
        allocate(sizeof(struct player));
    start_level();
    say_state();
    while (hear(line, sizeof line))
        obey(line);
    return 0;
}
