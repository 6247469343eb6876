// so-init as it is after the fork, for tests that need no sandbox: whoever
// starts it has arranged the descriptors.
#include "sandbox/init/instance.h"

int main() { so::init::RunInstance(); }
