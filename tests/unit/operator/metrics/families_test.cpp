#include "operator/metrics/families.hpp"

#include <array>

#include <gmock/gmock.h>

namespace penstock::metrics {
namespace {

using ::testing::HasSubstr;

TEST(Families, OneFamilyHasAllItsMetrics) {
    Families families;
    families.gauge("b", "Help of b.", 2, {{"state", "ready"}});
    families.counter("a_total", "Help of a.", 1);
    families.gauge("b", "Help of b.", 3, {{"state", "running"}});
    EXPECT_EQ(
        families.text(),
        "# HELP a_total Help of a.\n"
        "# TYPE a_total counter\n"
        "a_total 1\n"
        "# HELP b Help of b.\n"
        "# TYPE b gauge\n"
        "b{state=\"ready\"} 2\n"
        "b{state=\"running\"} 3\n"
    );
}

TEST(Families, BucketsOfAHistogramAddUp) {
    Families families;
    const std::array<double, 2> bounds{0.1, 1};
    const std::array<std::uint64_t, 3> counts{5, 2, 1};
    families.histogram("h", "Help.", bounds, counts, 4.5, {{"kind", "x"}});
    const std::string text = families.text();
    for (const char* line :
         {"# TYPE h histogram\n",
          "h_count{kind=\"x\"} 8\n",
          "h_sum{kind=\"x\"} 4.5\n",
          "h_bucket{kind=\"x\",le=\"0.1\"} 5\n",
          "h_bucket{kind=\"x\",le=\"1\"} 7\n",
          "h_bucket{kind=\"x\",le=\"+Inf\"} 8\n"})
        EXPECT_THAT(text, HasSubstr(line));
}

TEST(Families, LabelsAreEscaped) {
    Families families;
    families.gauge("g", "Help.", 1, {{"text", "a\"b\\c\nd"}});
    EXPECT_THAT(families.text(), HasSubstr("g{text=\"a\\\"b\\\\c\\nd\"} 1\n"));
}

TEST(Families, NothingIsNoText) { EXPECT_EQ(Families().text(), ""); }

}  // namespace
}  // namespace penstock::metrics
