#include "dataplane/wire/derived_verifier.hpp"

#include <gtest/gtest.h>

namespace penstock::wire {
namespace {

TEST(DerivedVerifier, IsDerivedOnceWhenAskedFor) {
    DerivedVerifier verifier("secret", "salt", 100);
    EXPECT_EQ(verifier.ready(), nullptr);
    EXPECT_EQ(verifier.salt(), "salt");
    EXPECT_EQ(verifier.iterations(), 100);
    const ScramVerifier& made = verifier.derive();
    EXPECT_EQ(made, scram_verifier(scram_keys("secret", "salt", 100)));
    EXPECT_EQ(verifier.ready(), &made);
    EXPECT_EQ(&verifier.derive(), &made);
}

TEST(DerivedVerifier, KnowsWhatItIsOf) {
    const DerivedVerifier verifier("secret", "salt", 100);
    EXPECT_TRUE(verifier.is_of("secret", "salt", 100));
    EXPECT_FALSE(verifier.is_of("other", "salt", 100));
    EXPECT_FALSE(verifier.is_of("secret", "other", 100));
    EXPECT_FALSE(verifier.is_of("secret", "salt", 101));
}

}  // namespace
}  // namespace penstock::wire
