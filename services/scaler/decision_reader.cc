#include "services/scaler/decision_reader.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "google/protobuf/util/time_util.h"
#include "services/scaler/call_explanation.h"

namespace so {
namespace {

using google::protobuf::util::TimeUtil;
using Decision = Archive::Decision;

constexpr int kDefaultPage = 100;
constexpr int kMaxPage = 1000;
// How far back an explanation looks, in decisions.
constexpr int kExplained = 1000;

absl::StatusOr<DecisionQuery> ToQuery(const DecisionReader::Request& request) {
  DecisionQuery query;
  if (request.page_size() < 0 || request.page_size() > kMaxPage) {
    return InvalidArgument("pageSize", absl::StrCat("must be 1 to ", kMaxPage));
  }
  query.limit = request.page_size() > 0 ? request.page_size() : kDefaultPage;
  if (!request.page_token().empty() &&
      (!absl::SimpleAtoi(request.page_token(), &query.before) ||
       query.before <= 0)) {
    return InvalidArgument("pageToken", "is not one that was given out");
  }
  if (request.has_since()) {
    query.since =
        absl::FromUnixNanos(TimeUtil::TimestampToNanoseconds(request.since()));
  }
  return query;
}

}  // namespace

void DecisionReader::List(const Request& request, Done done) {
  absl::StatusOr<DecisionQuery> query = ToQuery(request);
  if (!query.ok()) return done(query.status());
  dependencies_.directory.Resolve(
      request.function(),
      [this, query = *std::move(query), request_id = request.request_id(),
       done = std::move(done)](absl::StatusOr<FunctionPtr> function) mutable {
        if (!function.ok()) return done(function.status());
        query.function_id = (*function)->id();
        if (request_id.empty()) {
          ListPage(std::move(query), std::move(done));
        } else {
          Explain(std::move(query), request_id, std::move(done));
        }
      });
}

void DecisionReader::ListPage(DecisionQuery query, Done done) {
  // One more tells whether there is another page.
  const int limit = query.limit++;
  std::string function_id = query.function_id;
  dependencies_.archive.List(
      std::move(query),
      [function_id = std::move(function_id), limit, done = std::move(done)](
          absl::StatusOr<std::vector<Decision>> found) mutable {
        if (!found.ok()) return done(found.status());
        Response response;
        response.set_function_id(function_id);
        const bool more = static_cast<int>(found->size()) > limit;
        if (more) found->resize(limit);
        for (Decision& decision : *found) {
          *response.add_decisions() = std::move(decision);
        }
        if (more) {
          response.set_next_page_token(absl::StrCat(
              static_cast<int64_t>(response.decisions().rbegin()->sequence())));
        }
        done(std::move(response));
      });
}

void DecisionReader::Explain(DecisionQuery query, const std::string& request_id,
                             Done done) {
  query.limit = kExplained;
  const std::string asked = query.function_id;
  dependencies_.logs.Find(
      asked, request_id,
      [this, query = std::move(query), done = std::move(done)](
          absl::StatusOr<serverless::router::v1::InvocationLog> call) mutable {
        if (!call.ok()) return done(call.status());
        std::string function_id = query.function_id;
        dependencies_.archive.List(
            std::move(query),
            [call = *std::move(call), function_id = std::move(function_id),
             done = std::move(done)](
                absl::StatusOr<std::vector<Decision>> found) mutable {
              if (!found.ok()) return done(found.status());
              CallExplanation explanation = ExplainCall(call, *found);
              Response response;
              response.set_function_id(function_id);
              response.set_explanation(explanation.text);
              for (Decision& decision : explanation.decisions) {
                *response.add_decisions() = std::move(decision);
              }
              done(std::move(response));
            });
      });
}

}  // namespace so
