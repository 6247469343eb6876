#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace so::cgroups {

// A directory of plain files that stand for those of cgroups. Unlike the
// kernel's, they show what was written last, and groups get none by themselves.
class TempTree {
 public:
  TempTree() {
    std::string pattern = std::filesystem::temp_directory_path() / "cgXXXXXX";
    root_ = mkdtemp(pattern.data());
  }
  ~TempTree() { std::filesystem::remove_all(root_); }

  std::string path(const std::string& name = "") const {
    return name.empty() ? root_.string() : (root_ / name).string();
  }

  void Put(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name) << text;
  }

  std::string Get(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(root_ / name).rdbuf();
    return text.str();
  }

 private:
  std::filesystem::path root_;
};

}  // namespace so::cgroups
