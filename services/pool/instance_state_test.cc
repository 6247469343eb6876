#include "services/pool/instance_state.h"

#include <map>

#include "gtest/gtest.h"

namespace so {
namespace {

namespace pb = serverless::pool::v1;

TEST(InstanceStateTest, AllowsExactlyTheTransitionsOfTheLifeCycle) {
  const std::map<std::pair<InstanceState, InstanceEvent>, InstanceState>
      allowed = {
          {{pb::INSTANCE_STATE_COLD, InstanceEvent::kStart},
           pb::INSTANCE_STATE_WARMING},
          {{pb::INSTANCE_STATE_COLD, InstanceEvent::kEnd},
           pb::INSTANCE_STATE_TERMINATING},
          {{pb::INSTANCE_STATE_WARMING, InstanceEvent::kReady},
           pb::INSTANCE_STATE_WARM},
          {{pb::INSTANCE_STATE_WARMING, InstanceEvent::kEnd},
           pb::INSTANCE_STATE_TERMINATING},
          {{pb::INSTANCE_STATE_WARM, InstanceEvent::kInvoke},
           pb::INSTANCE_STATE_BUSY},
          {{pb::INSTANCE_STATE_WARM, InstanceEvent::kEnd},
           pb::INSTANCE_STATE_TERMINATING},
          {{pb::INSTANCE_STATE_BUSY, InstanceEvent::kInvoke},
           pb::INSTANCE_STATE_BUSY},
          {{pb::INSTANCE_STATE_BUSY, InstanceEvent::kFinish},
           pb::INSTANCE_STATE_WARM},
          {{pb::INSTANCE_STATE_BUSY, InstanceEvent::kEnd},
           pb::INSTANCE_STATE_TERMINATING},
      };
  for (int state = 0; state <= pb::INSTANCE_STATE_TERMINATING; ++state) {
    for (int event = 0; event <= static_cast<int>(InstanceEvent::kEnd);
         ++event) {
      const std::pair key(static_cast<InstanceState>(state),
                          static_cast<InstanceEvent>(event));
      const auto it = allowed.find(key);
      const auto next = NextState(key.first, key.second);
      if (it == allowed.end()) {
        EXPECT_FALSE(next.has_value())
            << StateName(key.first) << " " << EventName(key.second);
      } else {
        EXPECT_EQ(next, it->second) << StateName(key.first);
      }
    }
  }
}

}  // namespace
}  // namespace so
