#include "services/pool/node_memory.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "gtest/gtest.h"

namespace so {
namespace {

// Files as the kernel shows them, in a directory of the test.
class NodeMemoryTest : public testing::Test {
 protected:
  NodeMemoryTest() {
    std::filesystem::remove_all(dir_);
    Write("proc/meminfo",
          "MemTotal:       1024000 kB\nMemFree:  1 kB\n"
          "MemAvailable:    512000 kB\n");
  }
  ~NodeMemoryTest() override { std::filesystem::remove_all(dir_); }

  void Write(const std::string& name, const std::string& text) {
    const std::filesystem::path path = dir_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  MemoryReading Read() const { return memory_.Read().value(); }

  const std::filesystem::path dir_ =
      std::filesystem::path(testing::TempDir()) /
      testing::UnitTest::GetInstance()->current_test_info()->name();
  const SystemMemory memory_{dir_ / "proc", dir_ / "cgroup"};
};

TEST_F(NodeMemoryTest, WithoutLimitsIsTheMachines) {
  EXPECT_EQ(Read().total, 1000);
  EXPECT_EQ(Read().available, 500);
  EXPECT_EQ(Read().share(), 0.5);
}

TEST_F(NodeMemoryTest, ATighterGroupCountsAndItsCacheIsAvailable) {
  Write("proc/self/cgroup", "0::/outer/inner\n");
  Write("cgroup/outer/inner/memory.max", "max\n");
  Write("cgroup/outer/memory.max", "209715200\n");      // 200 MB.
  Write("cgroup/outer/memory.current", "199229440\n");  // 190 MB.
  Write("cgroup/outer/memory.stat",
        "anon 1\ninactive_file 10485760\n");  // 10 MB.
  EXPECT_EQ(Read().total, 200);
  EXPECT_EQ(Read().available, 20);
  EXPECT_EQ(Read().share(), 0.1);
}

TEST_F(NodeMemoryTest, ALooserGroupDoesNotCount) {
  Write("proc/self/cgroup", "0::/\n");
  Write("cgroup/memory.max", "209715200\n");
  Write("cgroup/memory.current", "1048576\n");
  EXPECT_EQ(Read().total, 1000);
}

TEST_F(NodeMemoryTest, KnowsTheOldLayout) {
  Write("proc/self/cgroup", "5:cpu:/x\n4:memory:/pod\n");
  Write("cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  Write("cgroup/memory/memory.usage_in_bytes", "1\n");
  Write("cgroup/memory/pod/memory.limit_in_bytes", "104857600\n");
  Write("cgroup/memory/pod/memory.usage_in_bytes", "104857600\n");
  Write("cgroup/memory/pod/memory.stat", "total_inactive_file 5242880\n");
  EXPECT_EQ(Read().total, 100);
  EXPECT_EQ(Read().available, 5);
}

TEST_F(NodeMemoryTest, NothingWhenNothingCanBeRead) {
  EXPECT_FALSE(SystemMemory(dir_ / "none", dir_ / "none").Read().has_value());
}

}  // namespace
}  // namespace so
