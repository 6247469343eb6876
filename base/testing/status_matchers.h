#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace so {

inline const absl::Status& StatusOf(const absl::Status& status) {
  return status;
}
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& status_or) {
  return status_or.status();
}

MATCHER(IsOk, "is OK") {
  *result_listener << StatusOf(arg).ToString();
  return StatusOf(arg).ok();
}

// EXPECT_THAT(status, HasCode(absl::StatusCode::kNotFound));
MATCHER_P(HasCode, code, "has code " + absl::StatusCodeToString(code)) {
  *result_listener << StatusOf(arg).ToString();
  return StatusOf(arg).code() == code;
}

// EXPECT_THAT(status, HasErrorCode("QUEUE_FULL"));
MATCHER_P(HasErrorCode, code, std::string("has error code ") + code) {
  *result_listener << StatusOf(arg).ToString();
  return !StatusOf(arg).ok() && ErrorFromStatus(StatusOf(arg)).code() == code;
}

#define SO_ASSERT_OK(expression) ASSERT_THAT(expression, ::so::IsOk())
#define SO_EXPECT_OK(expression) EXPECT_THAT(expression, ::so::IsOk())

}  // namespace so
