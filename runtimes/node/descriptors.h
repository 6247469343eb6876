#pragma once

namespace so::runtimes {

// Descriptor 3 of an instance, the runtime contract.
inline constexpr int kChannelFd = 3;

// Makes descriptors 1 to 3 of the kinds that they are in an instance, for as
// long as it lives: node looks at the kind when it makes a stream.
class InstanceDescriptors {
 public:
  InstanceDescriptors();
  ~InstanceDescriptors();
  InstanceDescriptors(const InstanceDescriptors&) = delete;
  InstanceDescriptors& operator=(const InstanceDescriptors&) = delete;

  // Whether it could.
  bool ok() const { return ok_; }

 private:
  struct Saved {
    int fd;
    int flags;
    int copy;
  };

  bool Replace(Saved& saved, int by);

  bool ok_ = false;
  Saved saved_[3] = {{1, 0, -1}, {2, 0, -1}, {kChannelFd, 0, -1}};
};

}  // namespace so::runtimes
