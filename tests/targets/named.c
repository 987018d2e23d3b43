/* A target with debug symbols, whose names nobody exports: "hit N" takes health away. */
#include "target.h"

int step_too(int by);
void *counter_too(void);
void *where_step_too(void);

static int player_health = 100;
static int counter = 1;

static __declspec(noinline) int take_damage(int damage)
{
    player_health -= damage;
    return player_health; /* LINE below is this one's */
}
#define LINE 14

/* parts/named_too.c has this one and the counter too. */
static __declspec(noinline) int step(int by)
{
    counter -= by;
    return counter;
}

int wmain(void)
{
    char line[64];
    int damage;

    say_start();
    printf(", \"line\": %d, \"addresses\": {\"take_damage\": %I64u, \"player_health\": %I64u}", LINE,
           (unsigned long long)(uintptr_t)take_damage, (unsigned long long)(uintptr_t)&player_health);
    printf(", \"twice\": {\"step\": [%I64u, %I64u], \"counter\": [%I64u, %I64u]}",
           (unsigned long long)(uintptr_t)step, (unsigned long long)(uintptr_t)where_step_too(),
           (unsigned long long)(uintptr_t)&counter, (unsigned long long)(uintptr_t)counter_too());
    say_end();
    while (hear(line, sizeof line)) {
        if (sscanf(line, "hit %d", &damage) != 1) {
            say_error("unknown command");
            continue;
        }
        printf("{\"health\": %d, \"steps\": %d", take_damage(damage), step(1) + step_too(1));
        say_end();
    }
    return 0;
}
