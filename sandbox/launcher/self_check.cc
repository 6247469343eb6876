#include "sandbox/launcher/self_check.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "sandbox/isolation/fork_protocol.h"
#include "sandbox/launcher/probe_sandbox.h"
#include "sandbox/launcher/runtime_programs.h"

namespace so {
namespace {

using launcher::Layer;

constexpr uint64_t kProbeMemory = uint64_t{32} << 20;
constexpr int kProbePids = 16;

struct Remedy {
  Layer layer;
  const char* text;
};
constexpr Remedy kRemedies[] = {
    {Layer::kUserNamespace,
     "allow user namespaces (sysctl user.max_user_namespaces, "
     "kernel.apparmor_restrict_unprivileged_userns)"},
    {Layer::kNetworkNamespace,
     "allow network namespaces (sysctl user.max_net_namespaces)"},
    {Layer::kSeccomp, "use a kernel with CONFIG_SECCOMP_FILTER"},
    {Layer::kMemoryCgroup, "give the launcher a writable memory cgroup"},
    {Layer::kPidsCgroup, "give the launcher a writable pids cgroup"},
    {Layer::kCpuCgroup, "give the launcher a writable cpu cgroup"},
    {Layer::kFreezer, "give the launcher a writable freezer cgroup"},
};

absl::string_view RemedyFor(Layer layer) {
  for (const Remedy& remedy : kRemedies) {
    if (remedy.layer == layer) return remedy.text;
  }
  return "";
}

absl::Status Missing(Layer layer, absl::string_view reason) {
  return absl::FailedPreconditionError(absl::StrCat(
      "isolation layer missing: ", LayerName(layer), ": ", reason, ". Either ",
      RemedyFor(layer),
      ", or accept weaker sandboxes with --allow_missing=", LayerFlag(layer)));
}

class SelfCheck {
 public:
  SelfCheck(const SelfCheckOptions& options, const SelfCheckContext& context)
      : options_(options), context_(context) {}

  absl::StatusOr<LayerSet> Run() {
    SO_RETURN_IF_ERROR(
        CheckController(CgroupController::kMemory, Layer::kMemoryCgroup));
    SO_RETURN_IF_ERROR(
        CheckController(CgroupController::kPids, Layer::kPidsCgroup));
    SO_RETURN_IF_ERROR(
        CheckController(CgroupController::kCpu, Layer::kCpuCgroup));
    SO_RETURN_IF_ERROR(
        CheckController(CgroupController::kFreezer, Layer::kFreezer));
    SO_RETURN_IF_ERROR(MakeProbe());
    SO_RETURN_IF_ERROR(AskProbe());
    SO_RETURN_IF_ERROR(CheckLimits());
    return missing_;
  }

 private:
  // Excused when it may be missing.
  absl::Status Note(Layer layer, absl::string_view reason) {
    if (!options_.allowed_missing.Contains(layer)) {
      return Missing(layer, reason);
    }
    context_.log.Warn("isolation layer missing, as allowed",
                      {{"layer", LayerName(layer)}, {"reason", reason}});
    missing_.Add(layer);
    return absl::OkStatus();
  }

  absl::Status CheckController(CgroupController controller, Layer layer) {
    if (context_.cgroups.version(controller) != CgroupVersion::kNone) {
      return absl::OkStatus();
    }
    return Note(layer, context_.cgroups.problem(controller));
  }

  // Tries with everything, and then without one more of what may be missing.
  absl::Status MakeProbe() {
    while (true) {
      absl::StatusOr<std::unique_ptr<ProbeSandbox>> probe = ProbeSandbox::Make(
          {.programs_dir = options_.programs_dir,
           .skip = SkipBits(missing_),
           .memory_bytes = kProbeMemory,
           .max_pids = kProbePids},
          {context_.poller, context_.cgroups, context_.uids, context_.log});
      if (probe.ok()) {
        probe_ = *std::move(probe);
        return absl::OkStatus();
      }
      const std::string reason(probe.status().message());
      const std::optional<Layer> layer = LayerOf(reason);
      if (!layer || missing_.Contains(*layer)) {
        return absl::FailedPreconditionError(
            absl::StrCat("no sandbox can be made: ", reason));
      }
      SO_RETURN_IF_ERROR(Note(*layer, reason));
    }
  }

  // Which layer a failed step belongs to.
  static std::optional<Layer> LayerOf(absl::string_view step) {
    if (absl::StrContains(step, "filter")) return Layer::kSeccomp;
    if (absl::StrContains(step, "network namespace") ||
        absl::StrContains(step, "loopback")) {
      return absl::StrContains(step, "user and") ? Layer::kUserNamespace
                                                 : Layer::kNetworkNamespace;
    }
    if (absl::StrContains(step, "user namespace") ||
        absl::StrContains(step, "map the") ||
        absl::StrContains(step, "deny setgroups")) {
      return Layer::kUserNamespace;
    }
    return std::nullopt;
  }

  // The probe answers "ok", or what it could do and should not have been able
  // to: LAYER|TEXT, tab-separated.
  absl::Status AskProbe() {
    SO_ASSIGN_OR_RETURN(const std::string answer, probe_->Ask("layers"));
    if (probe_->landlock_abi() == 0) {
      context_.log.Warn("the kernel has no Landlock; sandboxes go without");
      missing_.Add(Layer::kLandlock);
    }
    if (answer == "ok") return absl::OkStatus();
    for (absl::string_view problem : absl::StrSplit(answer, '\t')) {
      SO_RETURN_IF_ERROR(NoteProblem(problem));
    }
    return absl::OkStatus();
  }

  absl::Status NoteProblem(absl::string_view problem) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(problem, absl::MaxSplits('|', 1));
    for (size_t i = 0; i < launcher::kLayerCount; ++i) {
      const Layer layer = static_cast<Layer>(i);
      if (parts.first != LayerName(layer)) continue;
      return missing_.Contains(layer) ? absl::OkStatus()
                                      : Missing(layer, parts.second);
    }
    return absl::FailedPreconditionError(
        absl::StrCat("sandboxes do not isolate: ", problem));
  }

  absl::Status CheckLimits() {
    if (!missing_.Contains(Layer::kFreezer)) {
      SO_ASSIGN_OR_RETURN(const bool frozen, probe_->TryFreezing());
      if (!frozen) {
        SO_RETURN_IF_ERROR(
            Note(Layer::kFreezer, "a frozen sandbox goes on running"));
      }
    }
    if (!missing_.Contains(Layer::kPidsCgroup)) {
      SO_ASSIGN_OR_RETURN(const std::string answer,
                          probe_->Ask(absl::StrCat("processes ", kProbePids)));
      if (answer != "refused") {
        SO_RETURN_IF_ERROR(Note(Layer::kPidsCgroup,
                                "a sandbox exceeded its limit of processes"));
      }
    }
    if (missing_.Contains(Layer::kMemoryCgroup)) return probe_->End();
    SO_ASSIGN_OR_RETURN(const bool killed, probe_->KilledBy(absl::StrCat(
                                               "memory ", 2 * kProbeMemory)));
    return killed ? absl::OkStatus()
                  : Note(Layer::kMemoryCgroup,
                         "a sandbox exceeded its limit of memory");
  }

  const SelfCheckOptions& options_;
  const SelfCheckContext& context_;
  LayerSet missing_;
  std::unique_ptr<ProbeSandbox> probe_;
};

}  // namespace

absl::StatusOr<LayerSet> CheckLayers(const SelfCheckOptions& options,
                                     const SelfCheckContext& context) {
  return SelfCheck(options, context).Run();
}

uint32_t SkipBits(const LayerSet& missing) {
  uint32_t bits = 0;
  if (missing.Contains(Layer::kUserNamespace)) {
    bits |= isolation::kSkipUserNamespace;
  }
  if (missing.Contains(Layer::kNetworkNamespace)) {
    bits |= isolation::kSkipNetworkNamespace;
  }
  if (missing.Contains(Layer::kSeccomp)) bits |= isolation::kSkipSeccomp;
  return bits;
}

}  // namespace so
