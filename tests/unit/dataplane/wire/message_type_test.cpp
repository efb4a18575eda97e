#include "dataplane/wire/message_type.hpp"

#include <string>

#include <gtest/gtest.h>

namespace penstock::wire {
namespace {

TEST(MessageType, FrontendTypesAfterLogin) {
    std::string accepted;
    for (int type = 0; type < 256; ++type) {
        if (is_frontend_type(static_cast<char>(type))) accepted += static_cast<char>(type);
    }
    EXPECT_EQ(accepted, "BCDEFHPQSXcdf");
}

}  // namespace
}  // namespace penstock::wire
