#pragma once

#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/log.h"
#include "serverless/registry/v1/registry.pb.h"
#include "services/registry/build_gate.h"
#include "services/registry/change_feed.h"
#include "services/registry/function_catalog.h"
#include "services/registry/function_editor.h"
#include "services/registry/function_index.h"
#include "services/registry/function_store.h"
#include "services/registry/group_commit.h"
#include "services/registry/thread_pool.h"
#include "services/registry/write_queue.h"

namespace so {

// The registry without gRPC: accepts changes of functions, and owns the parts
// that answer questions (catalog) and tell of changes (feed).
//
//   auto registry = FunctionRegistry::Create({}, store, builder, clock);
//   (*registry)->Create(function, [](absl::StatusOr<Function> f) {...});
//   (*registry)->Drain();
//
// A change is checked on the caller's thread. When it changes what runs, that
// is built elsewhere first, without a thread waiting for it; then its code is
// stored by the thread pool, and it is decided, committed and answered by the
// writer thread. Nothing is stored of what cannot be built, or of whose caller
// has left meanwhile. `done` runs exactly once, either before the call returns
// or on one of these threads or the builder's, and must not block. It gets the
// function as clients see it: masked, without code.
//
// Thread-safe. The destructor finishes what was accepted.
class FunctionRegistry {
 public:
  struct Options {
    // Writes waiting before new ones are refused.
    size_t write_queue_depth = 4096;
    // Changes remembered for watchers that resume.
    size_t watch_history = 10000;
    // Threads that hash, store and read code.
    int disk_threads = 4;
  };
  using OnFunction = absl::AnyInvocable<void(absl::StatusOr<Function>)>;
  using OnDeleted = absl::AnyInvocable<void(absl::Status)>;

  // Loads what is stored. `store`, `builder` and `clock` are borrowed; builds
  // that are under way must be over before the registry is destroyed.
  static absl::StatusOr<std::unique_ptr<FunctionRegistry>> Create(
      Options options, FunctionStore& store, FunctionBuilder& builder,
      const Clock& clock);

  // `caller` says when nobody waits for the answer any more.
  void Create(const Function& function, OnFunction done,
              Caller caller = std::make_shared<Cancellation>());
  void Replace(const serverless::registry::v1::ReplaceFunctionRequest& request,
               OnFunction done,
               Caller caller = std::make_shared<Cancellation>());
  void Update(const serverless::registry::v1::UpdateFunctionRequest& request,
              OnFunction done,
              Caller caller = std::make_shared<Cancellation>());
  // Goes on when the pool cannot be reached: what is registered was built
  // before.
  void Rollback(
      const serverless::registry::v1::RollbackFunctionRequest& request,
      OnFunction done, Caller caller = std::make_shared<Cancellation>());
  void Delete(const serverless::registry::v1::DeleteFunctionRequest& request,
              OnDeleted done);

  const FunctionCatalog& catalog() const { return catalog_; }
  ChangeFeed& feed() { return feed_; }
  // Functions, and the revision of the last change.
  size_t size() const { return index_.size(); }
  int64_t revision() const { return index_.revision(); }

  // Refuses changes from now on, finishes those accepted, and ends the feed.
  void Drain();

 private:
  // A change on its way: what it is called in the log, and its answer.
  struct Answer {
    const char* event;
    absl::Time started;
    OnFunction done;
  };

  FunctionRegistry(Options options, FunctionStore& store,
                   FunctionBuilder& builder, const Clock& clock,
                   const ChangeSet& stored);

  void Edit(EditRequest request, const char* event, OnFunction done,
            Caller caller);
  // Builds `function` and stores its code, if it has any; goes on with the hash
  // in the place of the code.
  void BuildAndStore(Function function, Caller caller, OnFunction then);
  // Stores code and goes on with its hash, on a pool thread.
  void StoreCode(std::string code,
                 absl::AnyInvocable<void(absl::StatusOr<std::string>)> then);
  void SubmitCreate(Function completed, Answer answer);
  void SubmitEdit(EditRequest request, Answer answer);
  void SubmitRollback(std::string etag, Function version, Answer answer);
  void Submit(decltype(Mutation::decide) decide, Answer answer);
  Answer StartAnswer(const char* event, OnFunction done) const;

  const Clock& clock_;
  const Logger log_{"REGISTRY"};
  FunctionStore& store_;
  BuildGate gate_;
  const FunctionEditor editor_;
  FunctionIndex index_;
  ChangeFeed feed_;
  GroupCommit commit_;
  // Destroyed first the pool, which submits to the queue, then the queue.
  WriteQueue queue_;
  ThreadPool pool_;
  const FunctionCatalog catalog_;
};

}  // namespace so
