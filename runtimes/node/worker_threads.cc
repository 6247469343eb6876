#include "runtimes/node/worker_threads.h"

#include <dlfcn.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

namespace so::runtimes {
namespace {

// Takes the place of a method of V8's platform, as node implements it.
int NumberOfWorkerThreads(const void*) { return 0; }

// Writes to memory that is read-only once a program is loaded.
bool Overwrite(void** slot, void* value) {
  const uintptr_t page_size = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  void* const page = reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(slot) &
                                             ~(page_size - 1));
  if (mprotect(page, page_size, PROT_READ | PROT_WRITE) != 0) return false;
  *slot = value;
  return mprotect(page, page_size, PROT_READ) == 0;
}

}  // namespace

bool PretendNoWorkerThreads() {
  void* const method =
      dlsym(RTLD_DEFAULT, "_ZN4node12NodePlatform21NumberOfWorkerThreadsEv");
  void** const table =
      static_cast<void**>(dlsym(RTLD_DEFAULT, "_ZTVN4node12NodePlatformE"));
  Dl_info info;
  const ElfW(Sym)* symbol = nullptr;
  if (method == nullptr || table == nullptr ||
      dladdr1(table, &info,
              reinterpret_cast<void**>(const_cast<ElfW(Sym)**>(&symbol)),
              RTLD_DL_SYMENT) == 0 ||
      symbol == nullptr) {
    return false;
  }
  for (size_t i = 0; i < symbol->st_size / sizeof(void*); ++i) {
    if (table[i] == method) {
      return Overwrite(&table[i],
                       reinterpret_cast<void*>(&NumberOfWorkerThreads));
    }
  }
  return false;
}

}  // namespace so::runtimes
