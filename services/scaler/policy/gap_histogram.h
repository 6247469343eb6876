#pragma once

#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"

namespace so {

// How long an instance was idle before it was needed again: a histogram that
// forgets. Each new gap weighs 1, the one before it `retention`, the one before
// that `retention` squared, so that it follows a function that changes its
// ways. Not thread-safe.
class GapHistogram {
 public:
  struct Options {
    // From a millisecond to a day.
    absl::Duration bin = absl::Minutes(1);
    // At most 10,000. Gaps of bins * bin and more are counted as beyond the
    // range.
    int bins = 240;
    // In (0, 1]; 1 forgets nothing. The weights add up to 1 / (1 - retention)
    // gaps at most.
    double retention = 0.98;
  };

  GapHistogram() : GapHistogram(Options()) {}
  explicit GapHistogram(const Options& options);

  // A negative gap counts as none.
  void Add(absl::Duration gap);

  // Takes the place of what it has: weight(i) of each bin, and beyond(), as
  // they were. False, and nothing changes, when they are not such as could have
  // come about: as many as there are bins, none negative or infinite, no more
  // in all than the retention allows.
  bool Restore(absl::Span<const double> weights, double beyond);

  // Of the gaps in [i * bin, (i + 1) * bin).
  double weight(int i) const { return weights_[i] / newest_; }
  // Of the gaps beyond the range.
  double beyond() const { return beyond_ / newest_; }
  // Of all gaps.
  double total() const { return total_ / newest_; }

  int bins() const { return static_cast<int>(weights_.size()); }
  absl::Duration bin() const { return bin_; }
  absl::Duration range() const { return bins() * bin_; }

 private:
  void Rescale();

  absl::Duration bin_;
  int64_t bin_ns_;
  double growth_;
  // The weights add up to this at most.
  double most_;
  // Instead of making all old weights smaller, each new one is larger.
  double newest_ = 1;
  double beyond_ = 0;
  double total_ = 0;
  std::vector<double> weights_;
};

}  // namespace so
