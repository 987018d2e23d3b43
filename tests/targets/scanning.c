/* A target to scan: values that change when it is told so, values among many, players behind pointers, and memory that
 * comes and goes.
 *
 *   put ADDRESS KEY HEX   have those bytes there, each of them combined with the key; so they are nowhere else as they are
 *   map SIZE              allocate so much memory; say where
 *   unmap ADDRESS SIZE    free it again
 *   fill ADDRESS COUNT N  have digits there, as ints, that no two numbers N give alike
 *   spin ADDRESS COUNT    have a thread count so many ints up, one after the other, again and again
 *   churn COUNT           have so many threads map, fill and unmap memory
 *   rest                  end all threads; say how often they came around
 *
 * argv[1] is how many blocks are allocated first, so that the heap's addresses are others than in a run with
 * another number. */
#define _GNU_SOURCE
#include <stddef.h>
#include "target.h"

#ifdef _WIN32
typedef wchar_t Text;
#define NUMBER_OF _wtoi
#define THREAD DWORD WINAPI
typedef LPVOID Argument;
typedef HANDLE Thread;

static void *take(size_t size)
{
    return VirtualAlloc(NULL, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
}

static int give_back(void *base, size_t size)
{
    (void)size;
    return VirtualFree(base, 0, MEM_RELEASE);
}

static int start(Thread *thread, LPTHREAD_START_ROUTINE work, uintptr_t number)
{
    return (*thread = CreateThread(NULL, 0, work, (LPVOID)number, 0, NULL)) != NULL;
}

static void join(Thread thread)
{
    WaitForSingleObject(thread, INFINITE);
    CloseHandle(thread);
}

static void nap(void)
{
    Sleep(1);
}
#else
#include <pthread.h>
#include <sys/mman.h>
typedef char Text;
#define NUMBER_OF atoi
#define THREAD void *
typedef void *Argument;
typedef pthread_t Thread;

static void *take(size_t size)
{
    void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return base == MAP_FAILED ? NULL : base;
}

static int give_back(void *base, size_t size)
{
    return munmap(base, size) == 0;
}

static int start(Thread *thread, void *(*work)(void *), uintptr_t number)
{
    return pthread_create(thread, NULL, work, (void *)number) == 0;
}

static void join(Thread thread)
{
    pthread_join(thread, NULL);
}

static void nap(void)
{
    usleep(1000);
}
#endif

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

/* A pointer with a value from the beginning on, which is in .data; and one without, far inside .bss. */
static struct {
    void *before;
    struct world *volatile world;
} set = {&set, NULL};
static struct {
    unsigned char before[1 << 16];
    struct world *volatile world;
    unsigned char behind[1 << 16];
} unset;

static volatile int an_int = 100;
static volatile float a_float = 100.0f;
static volatile double a_double = 100.0;
static volatile struct {
    int ammunition;
    int between;
    float speed;
} a_group;
static volatile unsigned char ansi[64], utf16[64], bytes[64];
static volatile unsigned char _Alignas(64) numbers[256];

static void *allocate(size_t size)
{
    void *block = calloc(1, size);

    if (!block) {
        say_error("calloc");
        exit(1);
    }
    return block;
}

static struct world *new_world(int health)
{
    struct world *world = allocate(sizeof *world);

    world->player = allocate(sizeof *world->player);
    world->player->health = health;
    return world;
}

static void say_address(const char *name, const volatile void *address)
{
    static int count;

    printf("%s\"%s\": %" LL "u", count++ ? ", " : "", name, (unsigned long long)(uintptr_t)address);
}

static void say_addresses(void)
{
    say_start();
    printf(", \"addresses\": {");
    say_address("int", &an_int);
    say_address("float", &a_float);
    say_address("double", &a_double);
    say_address("group", &a_group);
    say_address("ansi", ansi);
    say_address("utf16", utf16);
    say_address("bytes", bytes);
    say_address("numbers", numbers);
    say_address("set", &set.world);
    say_address("unset", &unset.world);
    say_address("health of set", &set.world->player->health);
    say_address("health of unset", &unset.world->player->health);
    printf("}");
    say_end();
}

/* Byte by byte to where it goes: on the way there is no copy that a scan would find. */
static void put(volatile unsigned char *place, unsigned key, const char *digits)
{
    unsigned byte;

    for (; sscanf(digits, "%2x", &byte) == 1; digits += 2)
        *place++ = (unsigned char)(byte ^ key);
    printf("{\"put\": true");
    say_end();
}

static void map(size_t size)
{
    unsigned char *base = take(size);

    if (!base) {
        say_error("map");
        return;
    }
    for (size_t i = 0; i < size; i += 4096)
        base[i] = 1;
    printf("{\"base\": %" LL "u", (unsigned long long)(uintptr_t)base);
    say_end();
}

static void unmap(void *base, size_t size)
{
    if (!give_back(base, size)) {
        say_error("unmap");
        return;
    }
    printf("{\"unmapped\": true");
    say_end();
}

static uint32_t scattered(uint32_t number)
{
    number = (number ^ number >> 16) * 0x7FEB352Du;
    number = (number ^ number >> 15) * 0x846CA68Bu;
    return number ^ number >> 16;
}

static void fill(volatile int *place, unsigned count, unsigned number)
{
    for (unsigned i = 0; i < count; i++)
        place[i] = (int)(scattered(scattered(i) + number) % 10);
    printf("{\"filled\": %u", count);
    say_end();
}

#define MOST 8u
#define KEPT 8u

static volatile int is_busy;
static volatile uint32_t rounds[MOST];
static Thread threads[MOST];
static unsigned thread_count;
static volatile uint32_t *spun;
static unsigned spun_count;

static THREAD spin(Argument number)
{
    while (is_busy) {
        for (unsigned i = 0; i < spun_count; i++)
            spun[i]++;
        rounds[(uintptr_t)number]++;
    }
    return 0;
}

struct region {
    uintptr_t *base;
    size_t size;
};

static struct region new_region(uint32_t chance, struct region neighbour)
{
    size_t size = 0x10000u * (1 + chance % 16);
    struct region region = {take(size), size};

    /* Numbers that change, and pointers to what may be gone by now. */
    for (size_t i = 0; region.base && i < size / sizeof *region.base; i++)
        region.base[i] = i % 2 ? chance + i : (uintptr_t)neighbour.base + i;
    return region;
}

static THREAD churn(Argument number)
{
    struct region kept[KEPT] = {{NULL, 0}};
    uint32_t chance = (uint32_t)(uintptr_t)number + 1;

    while (is_busy) {
        struct region *place = &kept[(chance = scattered(chance + 1)) % KEPT];

        if (place->base)
            give_back(place->base, place->size);
        *place = new_region(chance / KEPT, kept[chance / 64 % KEPT]);
        rounds[(uintptr_t)number]++;
        nap();
    }
    for (unsigned i = 0; i < KEPT; i++)
        if (kept[i].base)
            give_back(kept[i].base, kept[i].size);
    return 0;
}

static void begin(int is_churning, unsigned count)
{
    is_busy = 1;
    for (; count && thread_count < MOST; count--, thread_count++)
        if (!start(&threads[thread_count], is_churning ? churn : spin, thread_count)) {
            say_error("thread");
            return;
        }
    printf("{\"threads\": %u", thread_count);
    say_end();
}

static void rest(void)
{
    unsigned long all = 0;

    is_busy = 0;
    while (thread_count) {
        join(threads[--thread_count]);
        all += rounds[thread_count];
    }
    printf("{\"rounds\": %lu", all);
    say_end();
}

static void obey(const char *line)
{
    unsigned long long address, size;
    unsigned count, number;
    int place;

    if (sscanf(line, "put %" LL "u %u %n", &address, &number, &place) == 2)
        put((volatile unsigned char *)(uintptr_t)address, number, line + place);
    else if (sscanf(line, "map %" LL "u", &size) == 1)
        map((size_t)size);
    else if (sscanf(line, "unmap %" LL "u %" LL "u", &address, &size) == 2)
        unmap((void *)(uintptr_t)address, (size_t)size);
    else if (sscanf(line, "fill %" LL "u %u %u", &address, &count, &number) == 3)
        fill((volatile int *)(uintptr_t)address, count, number);
    else if (sscanf(line, "spin %" LL "u %u", &address, &spun_count) == 2) {
        spun = (volatile uint32_t *)(uintptr_t)address;
        begin(0, 1);
    } else if (sscanf(line, "churn %u", &count) == 1)
        begin(1, count);
    else if (strcmp(line, "rest") == 0)
        rest();
    else
        say_error("unknown command");
}

int MAIN(int argc, Text **argv)
{
    static char line[512];

    for (int blocks = argc > 1 ? NUMBER_OF(argv[1]) : 0; blocks > 0; blocks--)
        allocate(sizeof(struct player));
    set.world = new_world(111);
    unset.world = new_world(222);
    say_addresses();
    while (hear(line, sizeof line))
        obey(line);
    return 0;
}
