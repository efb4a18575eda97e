#include "crds/api/field.hpp"

#include <gtest/gtest.h>

namespace penstock::api {
namespace {

struct Whole {
    int number = 1;
    std::optional<std::string> text;
    std::vector<std::string> list;

    static constexpr auto fields() {
        return std::tuple{
            field(&Whole::number, "number", "A number.", Change::Restart, range(1, 3)),
            field(&Whole::text, "text", "A text.", required, length(0, 9)),
            field(&Whole::list, "list", "A list.", items(0, 2), as_set),
        };
    }
};
static_assert(complete<Whole>());

struct LastMissing {
    int number = 1;
    std::optional<std::string> text;

    static constexpr auto fields() { return std::tuple{field(&LastMissing::number, "number", "")}; }
};
static_assert(!complete<LastMissing>());

struct Swapped {
    int number = 1;
    std::string text;

    static constexpr auto fields() {
        return std::tuple{field(&Swapped::text, "text", ""), field(&Swapped::number, "number", "")};
    }
};
static_assert(!complete<Swapped>());

struct Twice {
    int first = 1;
    int second = 2;

    static constexpr auto fields() {
        return std::tuple{field(&Twice::first, "first", ""), field(&Twice::first, "second", "")};
    }
};
static_assert(!complete<Twice>());

struct SameKey {
    int first = 1;
    int second = 2;

    static constexpr auto fields() {
        return std::tuple{field(&SameKey::first, "same", ""), field(&SameKey::second, "same", "")};
    }
};
static_assert(!complete<SameKey>());

enum class Colour : std::uint8_t { Red, Green };
constexpr auto enumerators(Colour) {
    return std::array{Enumerator{Colour::Red, "Red"}, Enumerator{Colour::Green, "Green"}};
}
static_assert(NamedEnum<Colour>);

TEST(Field, VisitsLinesInOrder) {
    std::vector<std::string> keys;
    for_each_field<Whole>([&](const auto& line) { keys.emplace_back(line.key); });
    EXPECT_EQ(keys, (std::vector<std::string>{"number", "text", "list"}));
}

TEST(Field, OptionsEndInConstraints) {
    const auto [number, text, list] = Whole::fields();
    EXPECT_EQ(number.change, Change::Restart);
    EXPECT_EQ(number.constraints.range->max, 3);
    EXPECT_FALSE(number.constraints.required);
    EXPECT_TRUE(text.constraints.required);
    EXPECT_EQ(text.constraints.length->max, 9);
    EXPECT_EQ(list.constraints.items->max, 2);
    EXPECT_EQ(list.constraints.list_type, ListType::Set);
}

TEST(Field, EnumeratorsHaveTheirNames) {
    EXPECT_EQ(to_text(Colour::Green), "Green");
    EXPECT_EQ(to_text(static_cast<Colour>(9)), "?");
}

}  // namespace
}  // namespace penstock::api
