/* Windows' functions without Windows: what is left of a call to them is what Python costs. */
#include <string.h>
#include <windows.h>

/* ReadProcessMemory that does nothing, at once. */
__declspec(dllexport) BOOL WINAPI StubRead(HANDLE process, LPCVOID address, LPVOID buffer, SIZE_T size, SIZE_T *done)
{
    (void)process;
    (void)address;
    (void)buffer;
    if (done)
        *done = size;
    return TRUE;
}

/* ReadProcessMemory for the process that calls it: a copy, for what depends on the bytes. */
__declspec(dllexport) BOOL WINAPI StubCopy(HANDLE process, LPCVOID address, LPVOID buffer, SIZE_T size, SIZE_T *done)
{
    (void)process;
    memcpy(buffer, address, size);
    if (done)
        *done = size;
    return TRUE;
}

/* 512 regions of equal size fill the 47 bits of addresses that 64-bit programs have, or 32 bits. */
#define REGION_BITS (sizeof(void *) == 8 ? 38 : 23)

static SIZE_T query(LPCVOID address, MEMORY_BASIC_INFORMATION *info, SIZE_T size, DWORD type)
{
    SIZE_T base = (SIZE_T)address >> REGION_BITS << REGION_BITS;

    info->BaseAddress = (void *)base;
    info->AllocationBase = (void *)base;
    info->AllocationProtect = PAGE_READWRITE;
    info->RegionSize = (SIZE_T)1 << REGION_BITS;
    info->State = MEM_COMMIT;
    info->Protect = PAGE_READWRITE;
    info->Type = type;
    return size;
}

/* VirtualQueryEx of a process that has nothing but private memory. */
__declspec(dllexport) SIZE_T WINAPI StubQuery(HANDLE process, LPCVOID address, MEMORY_BASIC_INFORMATION *info, SIZE_T size)
{
    (void)process;
    return query(address, info, size, MEM_PRIVATE);
}

/* VirtualQueryEx of a process that has nothing but modules. */
__declspec(dllexport) SIZE_T WINAPI StubQueryImage(HANDLE process, LPCVOID address, MEMORY_BASIC_INFORMATION *info, SIZE_T size)
{
    (void)process;
    return query(address, info, size, MEM_IMAGE);
}
