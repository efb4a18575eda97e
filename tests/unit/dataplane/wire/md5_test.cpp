#include "dataplane/wire/md5.hpp"

#include "dataplane/wire/digest.hpp"

#include <gtest/gtest.h>

namespace penstock::wire {
namespace {

TEST(Md5, SecretIsWhatPostgresqlStores) {
    EXPECT_EQ(md5_secret("foo", "foo"), "md5fdba98970961edb29f88241b9d99d890");
    EXPECT_TRUE(is_md5_secret(md5_secret("", "")));
}

TEST(Md5, TellsSecretsByTheirShape) {
    EXPECT_FALSE(is_md5_secret(""));
    EXPECT_FALSE(is_md5_secret("md5"));
    EXPECT_FALSE(is_md5_secret("md596948aad3fcae80c08a35c9b5958cd8"));
    EXPECT_FALSE(is_md5_secret("md596948aad3fcae80c08a35c9b5958cd899"));
    EXPECT_FALSE(is_md5_secret("md596948AAD3FCAE80C08A35C9B5958CD89"));
    EXPECT_FALSE(is_md5_secret("MD596948aad3fcae80c08a35c9b5958cd89"));
}

TEST(Md5, ResponseDependsOnSecretAndSalt) {
    const std::string secret = md5_secret("password", "user");
    const std::string response = md5_response(secret, "salt");
    EXPECT_EQ(response, "md5" + md5_hex(secret.substr(3) + "salt"));
    EXPECT_NE(response, md5_response(secret, "tlas"));
    EXPECT_NE(response, md5_response(md5_secret("password", "other"), "salt"));
}

TEST(Md5, ResponseOfNoSecretIsEmpty) {
    EXPECT_EQ(md5_response("", "salt"), "");
    EXPECT_EQ(md5_response("password", "salt"), "");
}

}  // namespace
}  // namespace penstock::wire
