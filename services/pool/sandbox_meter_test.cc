#include "services/pool/sandbox_meter.h"

#include <sys/mman.h>
#include <unistd.h>

#include "gtest/gtest.h"

namespace so {
namespace {

UniqueFd FileWith(absl::string_view text) {
  UniqueFd fd(memfd_create("meter", MFD_CLOEXEC));
  EXPECT_EQ(write(fd.get(), text.data(), text.size()),
            static_cast<ssize_t>(text.size()));
  return fd;
}

TEST(SandboxMeterTest, ReadsWhatIsThere) {
  SandboxHandles handles;
  handles.memory = FileWith("52428800\n");
  handles.cpu = FileWith("7000000\n");
  handles.processes = FileWith("12\n345\n");
  const SandboxUsage usage = MeasureSandbox(handles, {});
  EXPECT_EQ(usage.memory, 50);
  EXPECT_EQ(usage.cpu, absl::Milliseconds(7));
  EXPECT_EQ(usage.processes, 2);
}

TEST(SandboxMeterTest, KeepsWhatItKnewWhenThereIsNothingToRead) {
  SandboxHandles handles;
  handles.memory = FileWith("");
  handles.cpu = FileWith("nonsense");
  const SandboxUsage usage = MeasureSandbox(
      handles, {.memory = 3, .cpu = absl::Seconds(1), .processes = 4});
  EXPECT_EQ(usage.memory, 3);
  EXPECT_EQ(usage.cpu, absl::Seconds(1));
  EXPECT_EQ(usage.processes, 4);
}

TEST(SandboxMeterTest, UnderstandsBothVersionsOfCpuTime) {
  using launcher::Parked;
  EXPECT_EQ(ParseCpuTime("1500000\n", Parked::kV1), absl::Microseconds(1500));
  EXPECT_EQ(ParseCpuTime("usage_usec 1500\nuser_usec 1000\n", Parked::kV2),
            absl::Microseconds(1500));
  EXPECT_LT(ParseCpuTime("user_usec 1000\n", Parked::kV2),
            absl::ZeroDuration());
}

}  // namespace
}  // namespace so
