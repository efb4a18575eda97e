#include "crds/api/reference.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::api {
namespace {

using testing::HasSubstr;

TEST(Reference, NamesFieldsWithDefaultBoundsAndChange) {
    const std::string page = reference_page();
    EXPECT_THAT(
        page, HasSubstr("| `spec.database.port` | integer | `5432` | 1 to 65535 | immutable |")
    );
    EXPECT_THAT(
        page,
        HasSubstr("| `spec.database.host` | string | required | 1 to 253 characters | immutable |")
    );
    EXPECT_THAT(
        page,
        HasSubstr("| `spec.poolMode` | enum | `Transaction` | `Transaction`, `Session` | new "
                  "connections |")
    );
    EXPECT_THAT(page, HasSubstr("| `spec.targetRefs[].name` | string | required |"));
    EXPECT_THAT(page, HasSubstr("| `status.observedGeneration` | integer |"));
    EXPECT_THAT(page, HasSubstr("| `admin.tokenFile` | string |"));
    EXPECT_THAT(
        page,
        HasSubstr("- `spec.sizing.serverConnections` must be set when mode is Fixed, and only then."
        )
    );
    EXPECT_TRUE(page.ends_with("\n"));
}

}  // namespace
}  // namespace penstock::api
