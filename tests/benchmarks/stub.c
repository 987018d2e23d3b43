/* ReadProcessMemory that does nothing, at once: what is left of a read is what Python costs. */
#include <windows.h>

__declspec(dllexport) BOOL WINAPI StubRead(HANDLE process, LPCVOID address, LPVOID buffer, SIZE_T size, SIZE_T *done)
{
    (void)process;
    (void)address;
    (void)buffer;
    if (done)
        *done = size;
    return TRUE;
}
