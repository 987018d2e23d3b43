/* A target with a page of every kind.
 *
 *   protect                what VirtualQuery says of each now
 *   query NAME OFFSET      what it says of the page there
 *   peek NAME OFFSET SIZE  bytes as this program reads them itself, in hexadecimal
 *   count N                allocate N numbers of 4 bytes: 0, 1, 2, ...; say where they are
 *   exit N                 end with that exit code
 */
#include "target.h"

#define PAGE 4096u
#define ALLOCATION 0x10000u
#define ENDING "ends with the page"

static const char constant[64] = "constant data";

/* mov eax, 42; ret – the same bytes in both widths */
static const unsigned char code[] = {0xB8, 42, 0, 0, 0, 0xC3};

static struct page {
    const char *name;
    unsigned char *base;
    SIZE_T size;
} pages[24];
static size_t page_count;

static void *remember(const char *name, void *base, SIZE_T size)
{
    if (!base) {
        say_error(name);
        exit(1);
    }
    pages[page_count++] = (struct page){name, base, size};
    return base;
}

static void protect(void *base, SIZE_T size, DWORD protection)
{
    DWORD before;

    if (!VirtualProtect(base, size, protection, &before)) {
        say_error("VirtualProtect");
        exit(1);
    }
}

static unsigned char *allocate(const char *name, SIZE_T size)
{
    return remember(name, VirtualAlloc(NULL, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE), size);
}

/* A page of its own kind, filled before it is protected. */
static void add_page(const char *name, DWORD protection, const void *data, size_t size)
{
    unsigned char *base = allocate(name, PAGE);

    memcpy(base, data, size);
    protect(base, PAGE, protection);
}

static void add_reserved(void)
{
    remember("reserved", VirtualAlloc(NULL, PAGE, MEM_RESERVE, PAGE_NOACCESS), PAGE);
}

/* To be called last: the next allocation would get the address. */
static void add_free(void)
{
    VirtualFree(allocate("free", PAGE), 0, MEM_RELEASE);
}

/* A readable page before one that is not, with text that goes right up to the border. */
static void add_border(const char *page, const char *text, const void *data, SIZE_T size)
{
    unsigned char *base = allocate(page, 2 * PAGE);

    memcpy(base + PAGE - size, data, size);
    protect(base + PAGE, PAGE, PAGE_NOACCESS);
    remember(text, base + PAGE - size, size);
}

static void add_borders(void)
{
    add_border("border_ansi", "ansi_at_end", ENDING, sizeof ENDING);
    add_border("border_utf16", "utf16_at_end", L"" ENDING, sizeof L"" ENDING);
    add_border("border_unterminated", "unterminated_at_end", ENDING, sizeof ENDING - 1);
    add_border("border_unterminated16", "unterminated16_at_end", L"" ENDING,
               sizeof L"" ENDING - sizeof(wchar_t));
}

static void add_run(void)
{
    unsigned char *base = allocate("run", 3 * PAGE);

    memset(base, 'a', PAGE);
    memset(base + PAGE, 'b', PAGE);
    memset(base + 2 * PAGE, 'c', PAGE);
    protect(base + PAGE, PAGE, PAGE_READONLY);
}

static int committed(const void *address)
{
    MEMORY_BASIC_INFORMATION info;

    return VirtualQuery(address, &info, sizeof info) && info.State == MEM_COMMIT;
}

/* A page with no memory behind it. Wine 8 lets others read and write what is free beside a program's
 * memory, so it lies far up, where that is not so. On Windows any place would do. */
static void add_lonely(void)
{
    unsigned char *base;

    for (uintptr_t address = 0x6A000000; address; address -= ALLOCATION) {
        base = VirtualAlloc((void *)address, ALLOCATION, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
        if (base && !committed(base + ALLOCATION)) {
            remember("lonely", base + ALLOCATION - PAGE, PAGE);
            return;
        }
    }
    say_error("lonely");
    exit(1);
}

static void say_pages(void)
{
    say_start();
    printf(", \"pages\": {");
    for (size_t i = 0; i < page_count; i++)
        printf("%s\"%s\": {\"base\": %I64u, \"size\": %I64u}", i ? ", " : "", pages[i].name,
               (unsigned long long)(uintptr_t)pages[i].base, (unsigned long long)pages[i].size);
    printf("}");
    say_end();
}

static void print_protection(const unsigned char *address)
{
    MEMORY_BASIC_INFORMATION info;

    VirtualQuery(address, &info, sizeof info);
    printf("\"protect\": %lu, \"state\": %lu, \"type\": %lu, \"size\": %I64u", info.Protect,
           info.State, info.Type, (unsigned long long)info.RegionSize);
    printf(", \"allocation_base\": %I64u, \"allocation_protect\": %lu",
           (unsigned long long)(uintptr_t)info.AllocationBase, info.AllocationProtect);
}

static void say_protections(void)
{
    printf("{");
    for (size_t i = 0; i < page_count; i++) {
        printf("%s\"%s\": {", i ? ", " : "", pages[i].name);
        print_protection(pages[i].base);
        printf("}");
    }
    say_end();
}

static void query(const char *name, unsigned offset)
{
    for (size_t i = 0; i < page_count; i++) {
        if (strcmp(pages[i].name, name) != 0)
            continue;
        printf("{");
        print_protection(pages[i].base + offset);
        say_end();
        return;
    }
    say_error("unknown page");
}

static int readable(const unsigned char *address, SIZE_T size)
{
    const DWORD forbidden = PAGE_NOACCESS | PAGE_GUARD | PAGE_EXECUTE;
    const unsigned char *end = address + size;
    MEMORY_BASIC_INFORMATION info;

    while (address < end) {
        VirtualQuery(address, &info, sizeof info);
        if (info.State != MEM_COMMIT || info.Protect & forbidden)
            return 0;
        address = (unsigned char *)info.BaseAddress + info.RegionSize;
    }
    return 1;
}

static void peek(const char *name, unsigned offset, unsigned size)
{
    for (size_t i = 0; i < page_count; i++) {
        if (strcmp(pages[i].name, name) != 0)
            continue;
        if (!readable(pages[i].base + offset, size))
            break;
        printf("{\"bytes\": \"");
        for (unsigned j = 0; j < size; j++)
            printf("%02x", pages[i].base[offset + j]);
        printf("\"");
        say_end();
        return;
    }
    say_error("not readable");
}

static void count(unsigned numbers)
{
    SIZE_T size = (SIZE_T)numbers * sizeof(uint32_t);
    uint32_t *base = VirtualAlloc(NULL, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);

    if (!base) {
        say_error("count");
        return;
    }
    for (unsigned i = 0; i < numbers; i++)
        base[i] = i;
    printf("{\"base\": %I64u", (unsigned long long)(uintptr_t)base);
    say_end();
}

static void obey(const char *line)
{
    char name[64];
    unsigned offset, size, numbers, exit_code;

    if (strcmp(line, "protect") == 0)
        say_protections();
    else if (sscanf(line, "peek %63s %u %u", name, &offset, &size) == 3)
        peek(name, offset, size);
    else if (sscanf(line, "query %63s %u", name, &offset) == 2)
        query(name, offset);
    else if (sscanf(line, "count %u", &numbers) == 1)
        count(numbers);
    else if (sscanf(line, "exit %u", &exit_code) == 1)
        ExitProcess(exit_code);
    else
        say_error("unknown command");
}

int wmain(void)
{
    char line[128];

    add_page("readwrite", PAGE_READWRITE, "read and write", 14);
    add_page("readonly", PAGE_READONLY, "read only", 9);
    add_page("execute_readwrite", PAGE_EXECUTE_READWRITE, code, sizeof code);
    add_page("execute_read", PAGE_EXECUTE_READ, code, sizeof code);
    add_page("execute", PAGE_EXECUTE, code, sizeof code);
    add_page("noaccess", PAGE_NOACCESS, "no access", 9);
    add_page("guard", PAGE_READWRITE | PAGE_GUARD, "guarded", 7);
    add_reserved();
    add_borders();
    add_run();
    add_lonely();
    remember("rdata", (void *)constant, sizeof constant);
    add_free();
    say_pages();
    while (hear(line, sizeof line))
        obey(line);
    return 0;
}
