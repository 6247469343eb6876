#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "serverless/function/v1/function.pb.h"

namespace so {

// A function as the registry's feed describes it: environment in clear, no
// code, only its hash. Immutable once shared.
using FunctionPtr = std::shared_ptr<const serverless::function::v1::Function>;

// What a service knows of the registry's functions. It goes on answering from
// memory while the registry is away. Thread-safe.
class FunctionDirectory {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    // A function was created or changed, or became known. Listeners hear of
    // one function's changes in order, one call at a time, on a thread of the
    // directory; they must not block and must not call Subscribe.
    virtual void OnFunctionChanged(const FunctionPtr& function) = 0;
    virtual void OnFunctionDeleted(const std::string& function_id) = 0;
    // A whole snapshot has been told, or there was one already: all functions
    // that exist are known. Comes again after a gap in the feed.
    virtual void OnSynced() {}
  };

  virtual ~FunctionDirectory() = default;

  // Looks up "id", "name", "id:version" or "name:version" and answers, either
  // before returning (known) or later on a gRPC thread (unknown, or another
  // version than the current one: the registry is asked, for at most 2 s).
  // NOT_FOUND, INVALID_ARGUMENT (malformed), UNAVAILABLE (unknown here, and the
  // registry cannot be asked).
  virtual void Resolve(
      absl::string_view reference,
      absl::AnyInvocable<void(absl::StatusOr<FunctionPtr>)> done) = 0;

  // The current version of a function, from memory only; null when unknown.
  virtual FunctionPtr Find(absl::string_view function_id) const = 0;

  // All functions known, in no order.
  virtual std::vector<FunctionPtr> List() const = 0;

  // `listener` is borrowed, hears of everything already known before this
  // returns, and must outlive the directory.
  virtual void Subscribe(Listener& listener) = 0;

  // Whether a snapshot has been received since the start.
  virtual bool synced() const = 0;
};

}  // namespace so
