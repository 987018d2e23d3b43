/* A program with much memory to scan: a field of ints of 4 bytes. The argument is how many MiB.
 *
 * Most of them are a quarter of what a linear congruential generator gives, so below 1 << 30. Every 64th is
 * (1 << 30) and its number, every 4096th a float from 0.25 to 999.25; one is the magic number, and there is one text.
 *
 *   change N   add 1 to every Nth int; say how many there were
 */
#include "target.h"

#define MAGIC 0x7A5C1234u
#define WORDS "MAGIC-word-of-the-field"
#define ALIGNED(address) (((uintptr_t)(address) + 0xFFFFu) & ~(uintptr_t)0xFFFFu)

static void fill(uint32_t *field, size_t count)
{
    uint32_t state = 12345;

    for (size_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        field[i] = i % 64 == 0 ? (1u << 30) + (uint32_t)(i / 64) : state >> 2;
    }
    for (size_t i = 2048; i < count; i += 4096) {
        float value = (float)(i / 4096 % 1000) + 0.25f;

        memcpy(&field[i], &value, sizeof value);
    }
    field[count / 3 * 2 + 1] = MAGIC;
    memcpy((char *)&field[count / 4 * 3] + 1, WORDS, sizeof WORDS);
}

#ifdef _WIN32
int wmain(int count_of_words, wchar_t **words)
{
    size_t size = count_of_words > 1 ? (size_t)_wtoi(words[1]) << 20 : 0;
#else
int main(int count_of_words, char **words)
{
    size_t size = count_of_words > 1 ? (size_t)atoi(words[1]) << 20 : 0;
#endif
    char *memory = malloc(size + 0x10000u);
    uint32_t *field = (uint32_t *)ALIGNED(memory);
    size_t count = size / sizeof *field;
    char line[64];
    unsigned step;

    if (!memory || !size) {
        say_error("no memory");
        return 1;
    }
    fill(field, count);
    say_start();
    printf(", \"base\": %" LL "u", (unsigned long long)(uintptr_t)field);
    say_end();
    while (hear(line, sizeof line)) {
        if (sscanf(line, "change %u", &step) != 1 || !step) {
            say_error("unknown command");
            continue;
        }
        for (size_t i = 0; i < count; i += step)
            field[i]++;
        printf("{\"changed\": %" LL "u", (unsigned long long)((count + step - 1) / step));
        say_end();
    }
    return 0;
}
