// What an SQL text shows, by the first words of its statements and the functions that it names, of
// session state: what it may leave on its server for the next client, and what must not run at all.
// No parser: what cannot be seen here (a function's body) is not known. One look for each simple
// Query and each Parse; where the first word is an ordinary one and no '(' and no inner ';' are
// there, its cost is the search for them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::session {

// State that outlives its transaction on a server.
enum class Trace : std::uint16_t {
    Settings = 1 << 0,   // SET, SET ROLE, SET SESSION AUTHORIZATION, set_config
    Channels = 1 << 1,   // LISTEN
    Cursors = 1 << 2,    // DECLARE ... WITH HOLD
    Temporary = 1 << 3,  // temporary objects
    Sequences = 1 << 4,  // what currval() and lastval() give
    Locks = 1 << 5,      // session-level advisory locks
    Library = 1 << 6,    // LOAD: nothing undoes it
};

class Traces {
 public:
    constexpr Traces() = default;
    constexpr Traces(Trace trace) : bits_(static_cast<std::uint16_t>(trace)) {}
    void add(Traces other) { bits_ = static_cast<std::uint16_t>(bits_ | other.bits_); }
    bool has(Trace trace) const { return (bits_ & static_cast<std::uint16_t>(trace)) != 0; }
    bool is_empty() const { return bits_ == 0; }
    bool operator==(const Traces&) const = default;

 private:
    std::uint16_t bits_ = 0;
};

// A value of two words, to be kept with a statement.
struct TextLook {
    Traces calls;                         // left by what the text calls by name
    bool sets_harmlessly : 1 = false;     // its SETs end with the transaction or are replayed
    bool is_permanent : 1 = false;        // what it creates is not temporary
    bool holds_nothing : 1 = false;       // its cursors end with the transaction
    bool sets : 1 = false;                // may change a parameter for the session
    bool listens : 1 = false;             // has a LISTEN
    bool shows_name : 1 = false;          // it is SHOW application_name, and nothing else
    bool hides_deallocation : 1 = false;  // a DO whose body has a DEALLOCATE or DISCARD
    bool names_statement : 1 = false;     // set by who looks for it: a command that names one

    // What runs is this and the other.
    void add(const TextLook& other);
    bool operator==(const TextLook&) const = default;
};

// is_whole: nothing of the text is missing behind `sql`.
TextLook look_at(std::string_view sql, bool is_whole = true);
// The same, without the short cut for what most texts are.
TextLook look_closely_at(std::string_view sql, bool is_whole = true);

// Does it end a transaction, also one that failed?
bool is_exit(std::string_view sql);

// What the statement whose CommandComplete has this tag left. has_rows: rows, or a description of
// them, came before it.
Traces traces_of_tag(std::string_view tag, TextLook look, bool has_rows);

// The commands that remove the traces; never prepared statements. Empty: Library, or nothing.
std::string cleaning_sql(Traces traces);

}  // namespace penstock::session
