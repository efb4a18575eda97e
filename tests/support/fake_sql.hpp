// The tiny language of FakeBackend (fake_postgres.hpp), as text.
#pragma once

#include <string>
#include <string_view>

namespace penstock::test {

// Without the comment in front and blanks around.
std::string_view bare(std::string_view sql);
// Between the first quote and the last.
std::string quoted_in(std::string_view sql);
// The value of the literal that it holds, also of one with E in front.
std::string literal_in(std::string_view sql);
bool returns_rows(std::string_view sql);
bool ends_transaction(std::string_view sql);
bool is_understood(std::string_view sql);
// SELECT literal 'text' as the SELECT of a text that says under which style it was fixed.
std::string with_literals(std::string_view sql, std::string_view style);
// "c12." from a text that has it somewhere behind a quote or a comment's begin; else empty.
std::string tag_in(std::string_view text);

}  // namespace penstock::test
