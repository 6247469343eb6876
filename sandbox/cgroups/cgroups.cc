#include "sandbox/cgroups/cgroups.h"

#include <array>
#include <chrono>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "sandbox/cgroups/base_group.h"
#include "sandbox/cgroups/control_file.h"
#include "sandbox/cgroups/group.h"
#include "sandbox/cgroups/group_kill.h"
#include "sandbox/cgroups/grouped_sandbox.h"
#include "sandbox/cgroups/mount_table.h"
#include "sandbox/cgroups/placement.h"

namespace so {
namespace {

using cgroups::ControllerSet;
using cgroups::Group;
using cgroups::Hierarchy;
using cgroups::Place;

// Enough for any runtime to start. Set before there is anything in the group.
constexpr CgroupLimits kFirstLimits = {.max_pids = 64};

constexpr std::chrono::seconds kSweepPatience{5};
constexpr std::chrono::milliseconds kSweepInterval{5};

// Below a base group: what a sandbox gets there.
struct Base {
  CgroupVersion version = CgroupVersion::kNone;
  std::string dir;
  ControllerSet controllers;
};

class DiscoveredCgroups final : public Cgroups {
 public:
  DiscoveredCgroups(const std::vector<Hierarchy>& hierarchies,
                    std::array<Place, kCgroupControllers> places,
                    const std::string& base)
      : places_(std::move(places)) {
    for (size_t i = 0; i < hierarchies.size(); ++i)
      UseHierarchy(hierarchies[i], i, base);
  }

  ~DiscoveredCgroups() override {
    for (const Base& base : bases_)
      cgroups::RemoveGroup(base.dir).IgnoreError();
  }

  CgroupVersion version(CgroupController controller) const override {
    for (const Base& base : bases_) {
      if (cgroups::Has(base.controllers, controller)) return base.version;
    }
    return CgroupVersion::kNone;
  }

  std::string problem(CgroupController controller) const override {
    return places_[static_cast<int>(controller)].problem;
  }

  absl::StatusOr<std::unique_ptr<SandboxCgroup>> Make(
      absl::string_view name) override {
    std::vector<std::unique_ptr<Group>> groups;
    for (const Base& base : bases_) {
      std::string dir = absl::StrCat(base.dir, "/", name);
      groups.push_back(
          base.version == CgroupVersion::kV1
              ? cgroups::MakeV1Group(std::move(dir), base.controllers)
              : cgroups::MakeV2Group(std::move(dir), base.controllers));
    }
    return cgroups::GroupedSandbox::Create(std::move(groups), kFirstLimits);
  }

  absl::Status Sweep() override {
    using Clock = std::chrono::steady_clock;
    const Clock::time_point deadline = Clock::now() + kSweepPatience;
    while (true) {
      absl::Status swept;
      for (const Base& base : bases_)
        swept.Update(cgroups::ClearBelow(base.dir));
      if (swept.ok() || Clock::now() >= deadline) return swept;
      std::this_thread::sleep_for(kSweepInterval);
    }
  }

 private:
  // Makes the base group in a hierarchy that serves anything, and notes what
  // turns out not to work.
  void UseHierarchy(const Hierarchy& hierarchy, int index,
                    const std::string& name) {
    const ControllerSet wanted = PlacedOn(index);
    if (wanted.none()) return;
    absl::StatusOr<std::string> dir = cgroups::MakeBaseGroup(hierarchy, name);
    Base base{.version = hierarchy.version, .dir = dir.value_or("")};
    for (int i = 0; i < kCgroupControllers; ++i) {
      if (!wanted.test(i)) continue;
      const absl::Status usable =
          dir.ok() ? Enable(hierarchy, *dir, static_cast<CgroupController>(i))
                   : dir.status();
      if (usable.ok()) {
        base.controllers.set(i);
      } else {
        places_[i].problem = std::string(usable.message());
      }
    }
    if (cgroups::Has(base.controllers, CgroupController::kCpu))
      cgroups::SetBaseWeight(hierarchy, base.dir);
    if (base.controllers.any()) bases_.push_back(std::move(base));
  }

  ControllerSet PlacedOn(int hierarchy) const {
    ControllerSet placed;
    for (int i = 0; i < kCgroupControllers; ++i)
      placed.set(i, places_[i].hierarchy == hierarchy);
    return placed;
  }

  static absl::Status Enable(const Hierarchy& hierarchy,
                             const std::string& base,
                             CgroupController controller) {
    // Freezing and counting time are always on in the unified hierarchy.
    if (hierarchy.version == CgroupVersion::kV1 ||
        controller == CgroupController::kFreezer ||
        controller == CgroupController::kCpuacct)
      return absl::OkStatus();
    return cgroups::EnableController(hierarchy, base, controller);
  }

  std::array<Place, kCgroupControllers> places_;
  std::vector<Base> bases_;
};

// Which controllers the unified hierarchy has, its groups say themselves.
void FindControllers(std::vector<Hierarchy>& hierarchies) {
  for (Hierarchy& hierarchy : hierarchies) {
    if (hierarchy.version != CgroupVersion::kV2 || hierarchy.dir.empty())
      continue;
    const absl::StatusOr<std::string> offered =
        cgroups::ReadFile(absl::StrCat(hierarchy.dir, "/cgroup.controllers"));
    if (offered.ok()) {
      hierarchy.controllers =
          absl::StrSplit(*offered, absl::ByAnyChar(" \n"), absl::SkipEmpty());
    }
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Cgroups>> Cgroups::Discover(Options options) {
  SO_ASSIGN_OR_RETURN(
      const std::string mounts,
      cgroups::ReadFile(absl::StrCat(options.proc_dir, "/self/mountinfo")));
  SO_ASSIGN_OR_RETURN(
      const std::string memberships,
      cgroups::ReadFile(absl::StrCat(options.proc_dir, "/self/cgroup")));
  std::vector<Hierarchy> hierarchies = cgroups::FindHierarchies(
      cgroups::ParseMounts(mounts), cgroups::ParseMemberships(memberships));
  FindControllers(hierarchies);
  return std::make_unique<DiscoveredCgroups>(
      hierarchies, cgroups::PlaceControllers(hierarchies), options.base);
}

}  // namespace so
