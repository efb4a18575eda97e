#include "dataplane/net/cpus.hpp"

#include <map>

#include <gtest/gtest.h>

namespace penstock::net {
namespace {

TEST(Cpus, ReadsVersionTwo) {
    struct Case {
        std::string_view text;
        std::optional<double> cpus;
    };
    const Case cases[]{
        {"max 100000\n", std::nullopt},
        {"150000 100000\n", 1.5},
        {"50000 100000", 0.5},
        {"400000 100000\n", 4.0},
        {"", std::nullopt},
        {"\n", std::nullopt},
        {"100000", std::nullopt},
        {"100000 0", std::nullopt},
        {"-1 100000", std::nullopt},
        {"12x 100000", std::nullopt},
        {"99999999999999999999999 100000", std::nullopt},
    };
    for (const Case& c : cases) EXPECT_EQ(cpus_of_cpu_max(c.text), c.cpus) << c.text;
}

TEST(Cpus, ReadsVersionOne) {
    EXPECT_EQ(cpus_of_cfs("200000\n", "100000\n"), 2.0);
    EXPECT_EQ(cpus_of_cfs("-1\n", "100000\n"), std::nullopt);
    EXPECT_EQ(cpus_of_cfs("", ""), std::nullopt);
}

class QuotaTest : public testing::Test {
 protected:
    std::optional<double> quota(std::string_view own_groups) const {
        return cpu_quota(own_groups, [this](const std::string& path) {
            const auto found = files.find(path);
            return found == files.end() ? std::string() : found->second;
        });
    }
    std::map<std::string, std::string> files;
};

TEST_F(QuotaTest, NoLimitAnywhere) {
    EXPECT_EQ(quota(""), std::nullopt);
    EXPECT_EQ(quota("0::/\n"), std::nullopt);
    EXPECT_EQ(quota("nonsense\n:\n1:cpu\n"), std::nullopt);
}

TEST_F(QuotaTest, ContainerSeesItsOwnGroupAsTheRoot) {
    files["/sys/fs/cgroup/cpu.max"] = "250000 100000\n";
    EXPECT_EQ(quota("0::/\n"), 2.5);
    EXPECT_EQ(quota("0::/../other\n"), 2.5);
}

TEST_F(QuotaTest, TheLeastOfAllGroupsAboveBinds) {
    files["/sys/fs/cgroup/kube/pod/box/cpu.max"] = "max 100000\n";
    files["/sys/fs/cgroup/kube/pod/cpu.max"] = "300000 100000\n";
    files["/sys/fs/cgroup/kube/cpu.max"] = "800000 100000\n";
    EXPECT_EQ(quota("0::/kube/pod/box\n"), 3.0);
}

TEST_F(QuotaTest, VersionOne) {
    files["/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us"] = "150000\n";
    files["/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us"] = "100000\n";
    EXPECT_EQ(quota("5:cpuset:/pod\n4:cpu,cpuacct:/kube/pod\n1:name=systemd:/\n"), 1.5);
    EXPECT_EQ(quota("5:cpuset:/pod\n"), std::nullopt);
}

TEST(Cpus, ThisProcessMayUseOneAtLeast) { EXPECT_GE(usable_cpus(), 1); }

}  // namespace
}  // namespace penstock::net
