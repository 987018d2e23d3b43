/* A target with a page of every kind that Linux has; as ../pages.c, command by command.
 *
 *   query NAME OFFSET      what /proc/self/maps says of the page there
 *   peek NAME OFFSET SIZE  bytes as this program reads them itself, in hexadecimal
 *   count N                allocate N numbers of 4 bytes: 0, 1, 2, ...; say where they are
 *   exit N                 end with that exit code
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include "../target.h"

#define PAGE 4096u
#define ENDING "ends with the page"

static const char constant[64] = "constant data";

/* mov eax, 42; ret – the same bytes in both widths */
static const unsigned char code[] = {0xB8, 42, 0, 0, 0, 0xC3};

static struct page {
    const char *name;
    unsigned char *base;
    size_t size;
} pages[24];
static size_t page_count;

struct mapping {
    unsigned long long start, end;
    char rights[5];
};

static void *remember(const char *name, void *base, size_t size)
{
    if (base == MAP_FAILED) {
        say_error(name);
        exit(1);
    }
    pages[page_count++] = (struct page){name, base, size};
    return base;
}

static void protect(void *base, size_t size, int protection)
{
    if (mprotect(base, size, protection) != 0) {
        say_error("mprotect");
        exit(1);
    }
}

/* Between pages that are free: the kernel makes one of neighbours with the same rights. */
static unsigned char *allocate(size_t size)
{
    unsigned char *base = mmap(NULL, size + 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (base == MAP_FAILED) {
        say_error("mmap");
        exit(1);
    }
    munmap(base, PAGE);
    munmap(base + PAGE + size, PAGE);
    return base + PAGE;
}

/* A page of its own kind, filled before it is protected. */
static void add_page(const char *name, int protection, const void *data, size_t size)
{
    unsigned char *base = remember(name, allocate(PAGE), PAGE);

    memcpy(base, data, size);
    protect(base, PAGE, protection);
}

/* A readable page before one that is not, with text that goes right up to the border. */
static void add_border(const char *page, const char *text, const void *data, size_t size)
{
    unsigned char *base = remember(page, allocate(2 * PAGE), 2 * PAGE);

    memcpy(base + PAGE - size, data, size);
    protect(base + PAGE, PAGE, PROT_NONE);
    remember(text, base + PAGE - size, size);
}

static void add_borders(void)
{
    static const uint16_t wide[] = u"" ENDING;

    add_border("border_ansi", "ansi_at_end", ENDING, sizeof ENDING);
    add_border("border_utf16", "utf16_at_end", wide, sizeof wide);
    add_border("border_unterminated", "unterminated_at_end", ENDING, sizeof ENDING - 1);
    add_border("border_unterminated16", "unterminated16_at_end", wide, sizeof wide - sizeof *wide);
}

static void add_run(void)
{
    unsigned char *base = remember("run", allocate(3 * PAGE), 3 * PAGE);

    memset(base, 'a', PAGE);
    memset(base + PAGE, 'b', PAGE);
    memset(base + 2 * PAGE, 'c', PAGE);
    protect(base + PAGE, PAGE, PROT_READ);
}

/* To be called last: the next allocation might get the address. */
static void add_free(void)
{
    unsigned char *base = remember("free", allocate(PAGE), PAGE);

    munmap(base, PAGE);
}

static void say_pages(void)
{
    say_start();
    printf(", \"pages\": {");
    for (size_t i = 0; i < page_count; i++)
        printf("%s\"%s\": {\"base\": %llu, \"size\": %llu}", i ? ", " : "", pages[i].name,
               (unsigned long long)(uintptr_t)pages[i].base, (unsigned long long)pages[i].size);
    printf("}");
    say_end();
}

/* 0 where nothing is mapped. */
static int find_mapping(const unsigned char *address, struct mapping *found)
{
    const unsigned long long wanted = (uintptr_t)address;
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    int there = 0;

    while (maps && !there && fgets(line, sizeof line, maps))
        there = sscanf(line, "%llx-%llx %4s", &found->start, &found->end, found->rights) == 3 &&
                found->start <= wanted && wanted < found->end;
    if (maps)
        fclose(maps);
    return there;
}

static int protection_of(const char *rights)
{
    return (rights[0] == 'r' ? PROT_READ : 0) | (rights[1] == 'w' ? PROT_WRITE : 0) |
           (rights[2] == 'x' ? PROT_EXEC : 0);
}

static unsigned char *page_named(const char *name)
{
    for (size_t i = 0; i < page_count; i++)
        if (strcmp(pages[i].name, name) == 0)
            return pages[i].base;
    return NULL;
}

static void query(const char *name, unsigned offset)
{
    unsigned char *base = page_named(name);
    struct mapping found;

    if (!base || !find_mapping(base + offset, &found)) {
        say_error("unknown page");
        return;
    }
    printf("{\"protect\": %d, \"state\": 0, \"type\": %d", protection_of(found.rights), MAP_PRIVATE);
    printf(", \"allocation_base\": %llu, \"allocation_protect\": %d", found.start, protection_of(found.rights));
    say_end();
}

static int readable(const unsigned char *address, size_t size)
{
    const unsigned char *end = address + size;
    struct mapping found;

    while (address < end) {
        if (!find_mapping(address, &found) || found.rights[0] != 'r')
            return 0;
        address = (unsigned char *)(uintptr_t)found.end;
    }
    return 1;
}

static void peek(const char *name, unsigned offset, unsigned size)
{
    unsigned char *base = page_named(name);

    if (!base || !readable(base + offset, size)) {
        say_error("not readable");
        return;
    }
    printf("{\"bytes\": \"");
    for (unsigned i = 0; i < size; i++)
        printf("%02x", base[offset + i]);
    printf("\"");
    say_end();
}

static void count(unsigned numbers)
{
    uint32_t *base =
        mmap(NULL, numbers * sizeof(uint32_t), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (base == MAP_FAILED) {
        say_error("count");
        return;
    }
    for (unsigned i = 0; i < numbers; i++)
        base[i] = i;
    printf("{\"base\": %llu", (unsigned long long)(uintptr_t)base);
    say_end();
}

static void obey(const char *line)
{
    char name[64];
    unsigned offset, size, numbers, exit_code;

    if (sscanf(line, "peek %63s %u %u", name, &offset, &size) == 3)
        peek(name, offset, size);
    else if (sscanf(line, "query %63s %u", name, &offset) == 2)
        query(name, offset);
    else if (sscanf(line, "count %u", &numbers) == 1)
        count(numbers);
    else if (sscanf(line, "exit %u", &exit_code) == 1)
        _exit((int)exit_code);
    else
        say_error("unknown command");
}

int main(void)
{
    char line[128];

    add_page("lonely", PROT_READ | PROT_WRITE, "", 0); /* the highest: the kernel goes downwards */
    add_page("readwrite", PROT_READ | PROT_WRITE, "read and write", 14);
    add_page("readonly", PROT_READ, "read only", 9);
    add_page("execute_readwrite", PROT_READ | PROT_WRITE | PROT_EXEC, code, sizeof code);
    add_page("execute_read", PROT_READ | PROT_EXEC, code, sizeof code);
    add_page("execute", PROT_EXEC, code, sizeof code);
    add_page("noaccess", PROT_NONE, "no access", 9);
    add_borders();
    add_run();
    remember("rdata", (void *)constant, sizeof constant);
    add_free();
    say_pages();
    while (hear(line, sizeof line))
        obey(line);
    return 0;
}
