// What Workloads does with the Pods of a pool.
#include "operator/kube/workloads.hpp"
#include "operator/objects/names.hpp"
#include "tests/unit/operator/kube/workloads_fixture.hpp"

namespace penstock::kube {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* pod_patch = "PATCH /api/v1/namespaces/shop/pods/orders-1";

class WorkloadsPodsTest : public WorkloadsTest {
 protected:
    std::string config_seen() {
        return api_.get(kinds::pods, "shop", "orders-1")["metadata"]["annotations"].value(
            objects::config_seen_annotation, ""
        );
    }
};

TEST_F(WorkloadsPodsTest, APodWithAnOlderConfigurationIsPokedNowAndThen) {
    bring_in_force();
    report(2);
    EXPECT_THAT(round(), ElementsAre(pod_patch));
    EXPECT_EQ(config_seen(), "3.0");
    EXPECT_THAT(round(), IsEmpty());
    EXPECT_THAT(round(), IsEmpty());
    EXPECT_THAT(round(9s), ElementsAre(pod_patch)) << "10 s after the first";
    EXPECT_EQ(config_seen(), "3.1");
    EXPECT_THAT(round(11s), IsEmpty());
    EXPECT_THAT(round(5s), ElementsAre(pod_patch)) << "15 s after the second";
    report(3);
    EXPECT_THAT(round(60s), IsEmpty());
    workload_.config.generation = 4;
    round();
    EXPECT_EQ(config_seen(), "4.0") << "at once: it is another change";
}

TEST_F(WorkloadsPodsTest, APodThatCannotReadItsConfigurationIsPokedToo) {
    bring_in_force();
    report(3, {"/etc/penstock/secrets/shop/users/userlist.txt: no such file"});
    EXPECT_THAT(round(), ElementsAre(pod_patch));
}

TEST_F(WorkloadsPodsTest, OneThatHasNotReportedOrEndsIsNot) {
    bring_in_force();
    fleet_.see({test::running_pod("orders-2")});
    EXPECT_THAT(round(), IsEmpty());
    report(2);
    objects::PodFacts ending = test::running_pod("orders-1");
    ending.terminating = true;
    fleet_.see({ending});
    EXPECT_THAT(round(), IsEmpty());
}

TEST_F(WorkloadsPodsTest, APodThatIsGoneMeanwhileIsNoFault) {
    bring_in_force();
    report(2);
    api_.remove(kinds::pods, "shop", "orders-1");
    EXPECT_THAT(round(), ElementsAre(pod_patch));
    EXPECT_TRUE(outbox_.writer().is_idle());
}

TEST_F(WorkloadsPodsTest, SecretsThatAreMissingAreCalledByTheirNames) {
    bring_in_force();
    report(0, {"/etc/penstock/secrets/shop/users/userlist.txt: no such file"});
    round();
    const auto missing = observe().missing_secrets;
    ASSERT_TRUE(missing.contains("shop/orders"));
    EXPECT_EQ(missing.at("shop/orders"), "Secret users, key userlist.txt: no such file");
    report(3);
    EXPECT_THAT(observe().missing_secrets, IsEmpty());
}

}  // namespace
}  // namespace penstock::kube
