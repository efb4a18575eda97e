#include "operator/host/dry_run.hpp"

#include "operator/host/files.hpp"
#include "tests/unit/operator/host/temporary_folder.hpp"

#include <gmock/gmock.h>

namespace penstock::host {
namespace {

using testing::HasSubstr;

constexpr const char* pool =
    "apiVersion: penstock.dev/v1alpha1\nkind: ConnectionPool\nmetadata: {name: orders}\n"
    "spec:\n  database: {host: db, monitorSecretRef: {name: monitor}}\n"
    "  clients: {authentication: Trust}\n";
constexpr const char* secret =
    "apiVersion: v1\nkind: Secret\nmetadata: {name: monitor}\n"
    "stringData: {username: x, password: s3cret}\n";

class DryRunTest : public testing::Test {
 protected:
    int run() {
        LocalOptions options;
        options.manifests = folder_.path();
        testing::internal::CaptureStdout();
        const int status = run_dry(options);
        out_ = testing::internal::GetCapturedStdout();
        EXPECT_FALSE(std::filesystem::exists(folder_ / ".penstock"));
        return status;
    }
    void put(const std::string& name, const std::string& text) const {
        ASSERT_TRUE(replace_file(folder_ / name, text, FileMode::Public));
    }

    TemporaryFolder folder_;
    std::string out_;
};

TEST_F(DryRunTest, TellsWhatWouldRunAndChangesNothing) {
    put("a.yaml", pool);
    put("b.yaml", secret);
    EXPECT_EQ(run(), 0);
    EXPECT_THAT(out_, HasSubstr("ConnectionPool default/orders: new, from a.yaml"));
    EXPECT_THAT(out_, HasSubstr("Secret default/monitor: 2 keys"));
    EXPECT_THAT(out_, HasSubstr("pool default/orders: would start 2 proxies on port 6432"));
    EXPECT_THAT(out_, testing::Not(HasSubstr("s3cret")));
}

TEST_F(DryRunTest, NamesTheSecretThatIsMissing) {
    put("a.yaml", pool);
    EXPECT_EQ(run(), 0);
    EXPECT_THAT(out_, HasSubstr("would wait for Secret default/monitor with key password"));
}

TEST_F(DryRunTest, WrongManifestIsRefusedWithExitStatusOne) {
    put("a.yaml", std::string(pool) + "  replicas: many\n");
    EXPECT_EQ(run(), 1);
    EXPECT_THAT(out_, HasSubstr("refused: a.yaml:7: spec.replicas: must be"));
}

}  // namespace
}  // namespace penstock::host
