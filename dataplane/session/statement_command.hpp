// Commands of SQL about prepared statements. Their names are the client's, which servers know by
// other names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::session {

struct StatementCommand {
    enum class Kind : std::uint8_t {
        None,           // anything else
        Deallocate,     // DEALLOCATE name
        DeallocateAll,  // DEALLOCATE ALL, DISCARD ALL
        Execute,        // EXECUTE name, also behind EXPLAIN and CREATE TABLE ... AS
        Prepare,        // PREPARE name ...
    } kind = Kind::None;
    std::string name = {};      // as PostgreSQL reads it: in lower case unless it is quoted
    std::size_t name_at = 0;    // where it stands in the text, in bytes
    std::size_t name_size = 0;  // with its quotes

    bool names_one() const { return kind != Kind::None && kind != Kind::DeallocateAll; }
};

// Can the text be such a command, by its first character? Cheap.
inline bool may_be_command(std::string_view sql) {
    switch (sql.empty() ? ';' : sql.front()) {
        case ' ':
        case '\t':
        case '\n':
        case '\r':
        case '\f':
        case '\v':
        case '-':
        case '/':
        case 'c':
        case 'C':
        case 'd':
        case 'D':
        case 'e':
        case 'E':
        case 'p':
        case 'P':
            return true;
        default:
            return false;
    }
}

// standard_conforming_strings, when the text is read.
enum class Backslashes : std::uint8_t { Plain, Escape };

// Is its first statement of a kind that may be such a command?
bool begins_as_command(std::string_view sql);
inline bool may_name_statements(std::string_view sql) {
    return may_be_command(sql) && begins_as_command(sql);
}
// Those of all the text's statements, in order.
std::vector<StatementCommand> commands_in(std::string_view sql, Backslashes backslashes);
// What the text is, if it has one statement.
StatementCommand command_in(std::string_view sql, Backslashes backslashes);

// Has the text a word by which it may change how PostgreSQL reads or plans statements, other than
// by parameters that it reports?
bool alters_reading(std::string_view sql);

}  // namespace penstock::session
