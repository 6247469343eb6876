// Any bytes as an archive, as a libFuzzer target:
//   cmake -S . -B build/fuzz -DCMAKE_CXX_COMPILER=clang++-14 -DSO_FUZZ=ON
//   build/fuzz/bin/so_unpack_fuzz -max_total_time=60
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>

#include "sandbox/unpack/unpack.h"

namespace {

// Holds what comes to the promises of Target.
class CheckingTarget final : public so::unpack::Target {
 public:
  std::string Folder(const std::string& path) override {
    CheckPath(path);
    return "";
  }
  std::string File(const std::string& path, bool) override {
    CheckPath(path);
    if (!files_.insert(path).second) std::abort();
    return "";
  }
  std::string Write(std::string_view bytes) override {
    written_ += bytes.size();
    if (files_.empty() || written_ > (1 << 20)) std::abort();
    return "";
  }

 private:
  static void CheckPath(const std::string& path) {
    const std::string whole = "/" + path + "/";
    if (path.empty() || path[0] == '/' ||
        whole.find("/../") != std::string::npos ||
        whole.find("/./") != std::string::npos ||
        whole.find("//") != std::string::npos) {
      std::abort();
    }
  }

  std::set<std::string> files_;
  size_t written_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  CheckingTarget target;
  so::unpack::Unpack(
      std::string_view(reinterpret_cast<const char*>(data), size),
      {.entries = 100, .bytes = 1 << 20}, target);
  return 0;
}
