#include "dataplane/wire/authentication.hpp"

#include "tests/support/messages.hpp"

#include <gtest/gtest.h>

namespace penstock::wire {
namespace {

using test::bytes;

TEST(Authentication, WritesWhatTheManualSays) {
    std::string out;
    write_authentication(out, Authentication::Ok);
    EXPECT_EQ(out, bytes("R\0\0\0\x08\0\0\0\0"));
    out.clear();
    write_authentication(out, Authentication::MD5Password, "salt");
    EXPECT_EQ(out, bytes("R\0\0\0\x0c\0\0\0\x05salt"));
    out.clear();
    write_authentication_sasl(out);
    EXPECT_EQ(out, test::message('R', bytes("\0\0\0\x0aSCRAM-SHA-256\0\0")));
}

TEST(Authentication, WritesAnswers) {
    std::string out;
    write_password_message(out, "pw");
    EXPECT_EQ(out, bytes("p\0\0\0\x07pw\0"));
    out.clear();
    write_sasl_initial_response(out, "M", "abc");
    EXPECT_EQ(
        out,
        test::message(
            'p',
            bytes("M\0\0\0\0\x03"
                  "abc")
        )
    );
    out.clear();
    write_sasl_response(out, "abc");
    EXPECT_EQ(out, test::message('p', "abc"));
}

}  // namespace
}  // namespace penstock::wire
