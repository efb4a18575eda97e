#include "operator/domain/attachment.hpp"

#include "tests/support/fleet_builder.hpp"

#include <gtest/gtest.h>

namespace penstock::domain {
namespace {

struct AttachmentTest : ::testing::Test {
    Observed observed;
    AttachmentTest() { observed.pools = {test::pool("a"), test::pool("b")}; }
};

TEST_F(AttachmentTest, ByNameInTheSameNamespace) {
    observed.policies = {test::policy("p", "a")};
    observed.pools[1].metadata.name_space = "other";
    observed.pools[1].metadata.name = "a";
    const Attachments found = attach(observed);
    EXPECT_EQ(found.by_policy.at("default/p"), (Attachment{{"default/a"}, {}, {}}));
    EXPECT_FALSE(found.by_pool.contains("other/a"));
}

TEST_F(AttachmentTest, ByLabels) {
    api::Backpressure policy = test::policy("p", "x");
    policy.spec.target_refs.clear();
    policy.spec.selector = api::PoolSelector{{{"team", "one"}}};
    observed.policies = {policy};
    observed.pools[1].metadata.labels = {{"team", "one"}, {"more", "x"}};
    EXPECT_EQ(
        attach(observed).by_policy.at("default/p").pools, std::vector<std::string>{"default/b"}
    );
}

TEST_F(AttachmentTest, MissingTargetIsNamed) {
    observed.policies = {test::policy("p", "nobody")};
    EXPECT_EQ(attach(observed).by_policy.at("default/p"), (Attachment{{}, {}, {"nobody"}}));
}

TEST_F(AttachmentTest, OlderPolicyWinsThenTheFirstByName) {
    observed.policies = {test::policy("z", "a"), test::policy("y", "a"), test::policy("x", "b")};
    observed.policies.push_back(test::policy("w", "b"));
    observed.policies[0].metadata.creation_timestamp = "2023-01-01T00:00:00Z";
    const Attachments found = attach(observed);
    EXPECT_EQ(found.by_pool.at("default/a")->metadata.name, "z");
    EXPECT_EQ(found.by_pool.at("default/b")->metadata.name, "w");
    EXPECT_EQ(found.by_policy.at("default/y"), (Attachment{{}, {"default/a"}, {}}));
    EXPECT_EQ(found.by_policy.at("default/x"), (Attachment{{}, {"default/b"}, {}}));
}

}  // namespace
}  // namespace penstock::domain
