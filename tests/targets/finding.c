/* A target with something planted to look for, in memory of two protections, in its code, and in memory that
 * comes and goes.
 *
 *   map COUNT      allocate that many regions of 64 KiB, each with the pattern of those at its beginning;
 *                  say where they are
 *   unmap          free them all again
 *   busy           have a thread map and unmap such regions, until "rest"
 *   rest           end that thread; say how often it did
 *   call           what the code gives that reads its number by an address relative to itself
 */
#define _GNU_SOURCE
#include "target.h"

#ifdef _WIN32
static void *take(size_t size)
{
    return VirtualAlloc(NULL, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
}

static void give_back(void *base, size_t size)
{
    (void)size;
    VirtualFree(base, 0, MEM_RELEASE);
}

static int protect(void *base, size_t size, int with_code)
{
    DWORD before;

    return VirtualProtect(base, size, with_code ? PAGE_EXECUTE_READ : PAGE_READONLY, &before);
}
#else
#include <pthread.h>
#include <sys/mman.h>

static void *take(size_t size)
{
    void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return base == MAP_FAILED ? NULL : base;
}

static void give_back(void *base, size_t size)
{
    munmap(base, size);
}

static int protect(void *base, size_t size, int with_code)
{
    return mprotect(base, size, with_code ? PROT_READ | PROT_EXEC : PROT_READ) == 0;
}
#endif

#define PAGE 4096u
#define REGION 0x10000u
#define MOST 1024u
#define BUSY 16u
#define NUMBER 4711

/* Nothing that is looked for stands in the program's own file as it is: it is made here. */
static void plant(unsigned char *place, unsigned char mark, size_t size)
{
    for (size_t i = 0; i < size; i++)
        place[i] = (unsigned char)(mark + 7 * i);
}

#define MARK_SIZE 16u

static unsigned char *planted; /* five pages: two that can be written, two that can't, and one of code */
static unsigned char *regions[MOST];
static unsigned region_count;

static void plant_data(void)
{
    static const uint16_t wide[] = u"Gr\u00FC\u00DFe \u20AC \U0001F40D";

    plant(planted + 0x40, 0xA1, MARK_SIZE);                 /* inside a page */
    plant(planted + PAGE - 5, 0xA1, MARK_SIZE);             /* across the border of two pages */
    plant(planted + 2 * PAGE - 9, 0xA1, MARK_SIZE);         /* across that of two regions */
    plant(planted + 5 * PAGE - MARK_SIZE, 0xA1, MARK_SIZE); /* at the very end */
    memset(planted + 0x100, 0xB2, 9);                       /* hits that overlap */
    memcpy(planted + 0x203, wide, sizeof wide);             /* at an odd address */
}

/* mov eax, [rip+distance]; ret in 64 bits, and in both a call that is relative: call +1; int3; ret; int3. */
static void plant_code(unsigned char *code)
{
    static const unsigned char move[] = {0x8B, 0x05, 0, 0, 0, 0, 0xC3, 0xCC}, call[] = {0xE8, 1, 0, 0, 0, 0xC3, 0xC3};
    const int32_t distance = (int32_t)(planted + 0x800 - (code + 6)), number = NUMBER;

    memcpy(planted + 0x800, &number, sizeof number);
    memcpy(code, move, sizeof move);
    memcpy(code + 2, &distance, sizeof distance);
    memcpy(code + sizeof move, call, sizeof call);
}

static int prepare(void)
{
    planted = take(5 * PAGE);
    if (!planted)
        return 0;
    plant_data();
    plant_code(planted + 4 * PAGE + 0x30);
    return protect(planted + 2 * PAGE, 2 * PAGE, 0) && protect(planted + 4 * PAGE, PAGE, 1);
}

static void say_number(const char *name, const void *address)
{
    printf(", \"%s\": %" LL "u", name, (unsigned long long)(uintptr_t)address);
}

static void say_places(void)
{
    say_start();
    say_number("base", planted);
    say_number("code", planted + 4 * PAGE + 0x30);
    say_number("number", planted + 0x800);
    printf(", \"mark\": \"");
    for (unsigned i = 0; i < MARK_SIZE; i++)
        printf("%02x", planted[0x40 + i]);
    printf("\"");
    say_end();
}

static void map(unsigned count)
{
    printf("{\"bases\": [");
    for (region_count = 0; region_count < count && region_count < MOST; region_count++) {
        unsigned char *base = take(REGION);

        if (!base)
            break;
        plant(base, 0xC3, MARK_SIZE);
        regions[region_count] = base;
        printf("%s%" LL "u", region_count ? ", " : "", (unsigned long long)(uintptr_t)base);
    }
    printf("]");
    say_end();
}

static void unmap(void)
{
    while (region_count)
        give_back(regions[--region_count], REGION);
    printf("{\"unmapped\": true");
    say_end();
}

static volatile int is_busy;
static volatile unsigned rounds;

static void come_and_go(void)
{
    static unsigned char *places[BUSY];

    while (is_busy) {
        for (unsigned i = 0; i < BUSY; i++)
            if ((places[i] = take(REGION)))
                plant(places[i], 0xD4, MARK_SIZE);
        for (unsigned i = 0; i < BUSY; i++)
            if (places[i])
                give_back(places[i], REGION);
        rounds++;
    }
}

#ifdef _WIN32
static HANDLE thread;

static DWORD WINAPI run(void *nothing)
{
    (void)nothing;
    come_and_go();
    return 0;
}

static int start(void)
{
    return (thread = CreateThread(NULL, 0, run, NULL, 0, NULL)) != NULL;
}

static void join(void)
{
    WaitForSingleObject(thread, INFINITE);
    CloseHandle(thread);
}
#else
static pthread_t thread;

static void *run(void *nothing)
{
    come_and_go();
    return nothing;
}

static int start(void)
{
    return pthread_create(&thread, NULL, run, NULL) == 0;
}

static void join(void)
{
    pthread_join(thread, NULL);
}
#endif

static void set_busy(int wanted)
{
    if (wanted && !is_busy) {
        is_busy = 1;
        if (!start()) {
            say_error("thread");
            return;
        }
    } else if (!wanted && is_busy) {
        is_busy = 0;
        join();
    }
    printf("{\"rounds\": %u", rounds);
    say_end();
}

static void call(void)
{
    int (*code)(void) = (int (*)(void))(uintptr_t)(planted + 4 * PAGE + 0x30);

    printf("{\"result\": %d", code());
    say_end();
}

static void obey(const char *line)
{
    unsigned count;

    if (sscanf(line, "map %u", &count) == 1)
        map(count);
    else if (strcmp(line, "unmap") == 0)
        unmap();
    else if (strcmp(line, "busy") == 0)
        set_busy(1);
    else if (strcmp(line, "rest") == 0)
        set_busy(0);
    else if (strcmp(line, "call") == 0)
        call();
    else
        say_error("unknown command");
}

int MAIN(void)
{
    char line[64];

    if (!prepare()) {
        say_error("prepare");
        return 1;
    }
    say_places();
    while (hear(line, sizeof line))
        obey(line);
    return 0;
}
