#include "base/time_zone.h"

#include "base/testing/status_matchers.h"

namespace so {
namespace {

TEST(TimeZoneTest, FindsWhatTheDatabaseHas) {
  for (const std::string name :
       {"UTC", "Europe/Berlin", "America/New_York", "Etc/GMT+5",
        "America/Argentina/Buenos_Aires", "EST5EDT"}) {
    const auto zone = FindTimeZone(name);
    SO_ASSERT_OK(zone);
    EXPECT_EQ(zone->name(), name);
  }
  SO_ASSERT_OK(FindTimeZone(""));
  EXPECT_EQ(*FindTimeZone(""), absl::UTCTimeZone());
}

TEST(TimeZoneTest, RefusesEverythingElse) {
  for (const std::string& name :
       {std::string("Europe/Bonn"), std::string("Europe"),
        std::string("Europe/"), std::string("localtime"),
        std::string("/usr/share/zoneinfo/UTC"), std::string("../zoneinfo/UTC"),
        std::string("file:/etc/passwd"), std::string("libc:localtime"),
        std::string("tzdata.zi"), std::string("UTC\0", 4), std::string(65, 'a'),
        std::string(" UTC"), std::string("Fixed/UTC+05:00:00"),
        std::string("+05:00")}) {
    EXPECT_THAT(FindTimeZone(name), HasCode(absl::StatusCode::kInvalidArgument))
        << name;
  }
}

}  // namespace
}  // namespace so
