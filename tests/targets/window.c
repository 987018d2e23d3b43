/* A target with a window: argv[1] is its title. It says its line when the window exists, and goes on
 * answering it: "title" says the title of that moment. */
#include "target.h"

static HWND window;

static LRESULT CALLBACK on_message(HWND which, UINT message, WPARAM first, LPARAM second)
{
    if (message == WM_DESTROY) {
        PostQuitMessage(0);
        return 0;
    }
    return DefWindowProcW(which, message, first, second);
}

static HWND open_window(const wchar_t *title)
{
    WNDCLASSW class = {.lpfnWndProc = on_message,
                       .hInstance = GetModuleHandleW(NULL),
                       .hbrBackground = (HBRUSH)(COLOR_WINDOW + 1),
                       .lpszClassName = L"memaccess target"};

    RegisterClassW(&class);
    return CreateWindowExW(0, class.lpszClassName, title, WS_OVERLAPPEDWINDOW | WS_VISIBLE,
                           40, 40, 320, 200, NULL, NULL, class.hInstance, NULL);
}

static void say_title(void)
{
    wchar_t title[256];
    int length = GetWindowTextW(window, title, 256);

    say_start();
    printf(", \"window\": %I64u, \"title\": [", (unsigned long long)(uintptr_t)window);
    for (int i = 0; i < length; i++)
        printf("%s%u", i ? ", " : "", title[i]);
    printf("]");
    say_end();
}

/* Commands have their own thread: the main one waits for messages. */
static DWORD WINAPI obey(void *unused)
{
    char line[64];

    (void)unused;
    while (hear(line, sizeof line)) {
        if (strcmp(line, "title") == 0)
            say_title();
        else
            say_error("unknown command");
    }
    PostMessageW(window, WM_CLOSE, 0, 0);
    return 0;
}

int wmain(int argc, wchar_t **argv)
{
    MSG message;

    window = open_window(argc > 1 ? argv[1] : L"");
    if (!window) {
        say_error("no window");
        return 1;
    }
    say_title();
    CreateThread(NULL, 0, obey, NULL, 0, NULL);
    while (GetMessageW(&message, NULL, 0, 0) > 0) {
        TranslateMessage(&message);
        DispatchMessageW(&message);
    }
    return 0;
}
