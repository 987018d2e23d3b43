/* A target with debug symbols, whose names nobody exports: "hit N" takes health away. */
#include "target.h"

static int player_health = 100;

static __declspec(noinline) int take_damage(int damage)
{
    player_health -= damage;
    return player_health; /* LINE below is this one's */
}
#define LINE 9

int wmain(void)
{
    char line[64];
    int damage;

    say_start();
    printf(", \"line\": %d, \"addresses\": {\"take_damage\": %I64u, \"player_health\": %I64u}", LINE,
           (unsigned long long)(uintptr_t)take_damage, (unsigned long long)(uintptr_t)&player_health);
    say_end();
    while (hear(line, sizeof line)) {
        if (sscanf(line, "hit %d", &damage) != 1) {
            say_error("unknown command");
            continue;
        }
        printf("{\"health\": %d", take_damage(damage));
        say_end();
    }
    return 0;
}
