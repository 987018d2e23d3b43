/* python.exe: all of Python is in the DLL; this only calls its main function. */
#include <stdio.h>
#include <windows.h>

int wmain(int argc, wchar_t **argv)
{
    HMODULE python = LoadLibraryW(PYTHON_DLL);
    int (*run)(int, wchar_t **) = python ? (void *)GetProcAddress(python, "Py_Main") : NULL;

    if (!run) {
        fprintf(stderr, "%ls does not load, error code %lu\n", PYTHON_DLL, GetLastError());
        return 1;
    }
    return run(argc, argv);
}
