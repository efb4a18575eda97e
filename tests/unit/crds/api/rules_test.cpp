#include "crds/api/rules.hpp"

#include "crds/api/backpressure.hpp"
#include "crds/api/connection_pool.hpp"
#include "crds/api/dataplane_config.hpp"
#include "crds/api/decode.hpp"
#include "crds/api/pool_name.hpp"

#include <gtest/gtest.h>

namespace penstock::api {
namespace {

template <class S>
void check_examples(int& rules_seen) {
    if constexpr (Ruled<S>) {
        for (const auto& rule : S::rules()) {
            SCOPED_TRACE(rule.cel);
            ++rules_seen;
            EXPECT_TRUE(rule.message.starts_with("must "));
            bool key_exists = false;
            for_each_field<S>([&](const auto& field) {
                key_exists = key_exists || field.key == rule.key;
            });
            EXPECT_TRUE(key_exists) << rule.key;

            const auto accepted = decode<S>(parse_json(rule.accepted).value());
            EXPECT_TRUE(accepted) << rule.accepted;
            const auto rejected = decode<S>(parse_json(rule.rejected).value());
            ASSERT_FALSE(rejected) << rule.rejected;
            ASSERT_EQ(rejected.error().size(), 1U);
            EXPECT_EQ(
                rejected.error()[0], (Error{std::string{rule.key}, std::string{rule.message}})
            );
        }
    }
}

template <class T>
void walk(int& rules_seen) {
    if constexpr (OptionalField<T> || ListField<T>) {
        walk<typename T::value_type>(rules_seen);
    } else if constexpr (Described<T>) {
        check_examples<T>(rules_seen);
        for_each_field<T>([&](const auto& field) {
            walk<typename std::decay_t<decltype(field)>::Type>(rules_seen);
        });
    }
}

TEST(Rules, ExamplesAreAcceptedAndRejected) {
    int rules_seen = 0;
    walk<ConnectionPoolSpec>(rules_seen);
    walk<BackpressureSpec>(rules_seen);
    walk<DataplaneConfig>(rules_seen);
    EXPECT_GE(rules_seen, 9);
}

TEST(Rules, PoolNamesExamples) {
    const auto name_of = [](std::string_view example) {
        return decode<Metadata>(parse_json(example).value()).value();
    };
    EXPECT_TRUE(pool_name_rule.holds(name_of(pool_name_rule.accepted)));
    EXPECT_FALSE(pool_name_rule.holds(name_of(pool_name_rule.rejected)));
    EXPECT_TRUE(pool_name_rule.message.starts_with("must "));
}

}  // namespace
}  // namespace penstock::api
