/* A program with many pointers to follow. The arguments: how many MiB of heap, and how many words of 100 are pointers.
 *
 * The heap has nodes of 64 bytes, whose other words are random. A table of static pointers leads into it, and so does
 * one static pointer with a chain behind it: [[[[root]+18]+40]+28]+10 is the value. */
#include <wchar.h>
#include "target.h"

#define NODE 64u
#define STATICS 4096u

static uintptr_t *volatile root;
static volatile uintptr_t table[STATICS];

static uint64_t state = 12345;

static uint32_t chance(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33);
}

static uintptr_t node(const char *heap, size_t nodes)
{
    return (uintptr_t)heap + (uintptr_t)NODE * (chance() % nodes);
}

static uintptr_t *follow(uintptr_t *from, unsigned offset, uintptr_t to)
{
    *(uintptr_t *)((char *)from + offset) = to;
    return (uintptr_t *)to;
}

static int number(const void *word, int is_wide)
{
    return is_wide ? (int)wcstol(word, NULL, 10) : atoi(word);
}

#ifdef _WIN32
int wmain(int words, wchar_t **given)
#else
int main(int words, char **given)
#endif
{
    size_t size = words > 2 ? (size_t)number(given[1], sizeof **given > 1) << 20 : 0;
    uint32_t share = words > 2 ? (uint32_t)number(given[2], sizeof **given > 1) : 0;
    size_t nodes = size / NODE - 2;
    char *heap = malloc(size);
    char line[64];
    uintptr_t *last;

    if (!heap || !size) {
        say_error("no memory");
        return 1;
    }
    for (size_t i = 0; i < size / sizeof(uintptr_t); i++)
        ((uintptr_t *)(void *)heap)[i] =
            chance() % 100 < share ? node(heap, nodes) : (uintptr_t)((uint64_t)chance() << 32 | chance());
    for (size_t i = 0; i < STATICS; i++)
        table[i] = node(heap, nodes);
    root = (uintptr_t *)node(heap, nodes);
    last = follow(root, 0x18, node(heap, nodes));
    last = follow(last, 0x40, node(heap, nodes));
    last = follow(last, 0x28, node(heap, nodes));
    say_start();
    printf(", \"value\": %" LL "u, \"root\": %" LL "u", (unsigned long long)(uintptr_t)last + 0x10,
           (unsigned long long)(uintptr_t)&root);
    say_end();
    while (hear(line, sizeof line))
        say_error("unknown command");
    return 0;
}
