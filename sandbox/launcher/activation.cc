#include "sandbox/launcher/activation.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "sandbox/isolation/mounts.h"
#include "sandbox/launcher/id_mapping.h"
#include "sandbox/launcher/text.h"

namespace so {
namespace {

constexpr char kCodeDir[] = "/var/task";
constexpr char kOutputDir[] = "/var/output";

absl::Status StepFailed(absl::string_view step, int failure, int& error) {
  error = failure;
  return absl::FailedPreconditionError(step);
}

absl::Status Check(const isolation::Outcome& outcome, absl::string_view what,
                   int& error) {
  if (outcome.ok()) return absl::OkStatus();
  return StepFailed(absl::StrCat(what, ": ", outcome.step), outcome.error,
                    error);
}

absl::Status CheckOwner(const UniqueFd& directory, absl::string_view what,
                        uid_t client_uid, int& error) {
  struct stat info;
  if (fstat(directory.get(), &info) != 0) {
    return StepFailed(what, errno, error);
  }
  if (!S_ISDIR(info.st_mode)) return StepFailed(what, ENOTDIR, error);
  if (client_uid != 0 && info.st_uid != client_uid) {
    return StepFailed(absl::StrCat(what, " belongs to another user"), EPERM,
                      error);
  }
  return absl::OkStatus();
}

// Attaches mounts inside the sandbox's mount namespace, and comes back.
class Visit {
 public:
  explicit Visit(const UniqueFd& mount_namespace) {
    // Always the same one.
    static const int own = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    own_ = own;
    if (own_ < 0 || setns(mount_namespace.get(), CLONE_NEWNS) != 0) {
      error_ = own_ < 0 ? EBADF : errno;
    }
  }
  // Nothing can be done right from the wrong file tree.
  ~Visit() {
    if (error_ == 0 && setns(own_, CLONE_NEWNS) != 0) std::abort();
  }
  int error() const { return error_; }

 private:
  int own_ = -1;
  int error_ = 0;
};

}  // namespace

absl::Status ActivateSandbox(LaunchedSandbox& sandbox,
                             const launcher::ActivateRequest& request,
                             uid_t client_uid, int& error) {
  if (request.network != launcher::Network::kNone &&
      request.network != launcher::Network::kEgress) {
    return StepFailed("there is no such network", EINVAL, error);
  }
  const CgroupLimits limits{.memory_bytes = request.memory_bytes,
                            .max_pids = request.max_pids,
                            .cpu_percent = request.cpu_percent};
  if (const absl::Status set = sandbox.cgroup->SetLimits(limits); !set.ok()) {
    return StepFailed(absl::StrCat("limits: ", set.message()), 0, error);
  }
  UniqueFd code;
  SO_RETURN_IF_ERROR(
      Check(isolation::CloneMount(TextOf(request.code_dir).c_str(),
                                  isolation::kReadOnly | isolation::kNoDevices,
                                  false, code),
            "code directory", error));
  SO_RETURN_IF_ERROR(CheckOwner(code, "code directory", client_uid, error));
  UniqueFd output;
  if (request.output_dir[0] != '\0') {
    SO_RETURN_IF_ERROR(
        Check(isolation::CloneMount(TextOf(request.output_dir).c_str(),
                                    isolation::kNoDevices, false, output),
              "output directory", error));
    SO_RETURN_IF_ERROR(
        CheckOwner(output, "output directory", client_uid, error));
    SO_RETURN_IF_ERROR(Check(MapOwner(output, client_uid, sandbox.uid),
                             "output directory", error));
  }
  const Visit visit(sandbox.mount_namespace);
  if (visit.error() != 0) {
    return StepFailed("enter the sandbox's mount namespace", visit.error(),
                      error);
  }
  SO_RETURN_IF_ERROR(
      Check(isolation::AttachMount(code, kCodeDir), kCodeDir, error));
  if (output.valid()) {
    SO_RETURN_IF_ERROR(
        Check(isolation::AttachMount(output, kOutputDir), kOutputDir, error));
  }
  return absl::OkStatus();
}

}  // namespace so
