#include "crds/api/document.hpp"

namespace penstock::api {
namespace {

// Takes every event of a JSON text and keeps only the place of its first fault.
class FaultFinder : public nlohmann::json_sax<Document> {
 public:
    std::size_t fault_at() const { return fault_at_; }

    bool null() override { return true; }
    bool boolean(bool) override { return true; }
    bool number_integer(number_integer_t) override { return true; }
    bool number_unsigned(number_unsigned_t) override { return true; }
    bool number_float(number_float_t, const string_t&) override { return true; }
    bool string(string_t&) override { return true; }
    bool binary(binary_t&) override { return true; }
    bool start_object(std::size_t) override { return true; }
    bool key(string_t&) override { return true; }
    bool end_object() override { return true; }
    bool start_array(std::size_t) override { return true; }
    bool end_array() override { return true; }
    bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&)
        override {
        fault_at_ = position;
        return false;
    }

 private:
    std::size_t fault_at_ = 0;
};

}  // namespace

Result<Document> parse_json(std::string_view text) {
    Document document = Document::parse(text, nullptr, false);
    if (!document.is_discarded()) return document;
    FaultFinder finder;
    Document::sax_parse(text, &finder);
    return tl::unexpected(Error{"", "is not JSON at byte " + std::to_string(finder.fault_at())});
}

std::string to_json_text(const Document& document) {
    return document.dump(-1, ' ', false, Document::error_handler_t::replace);
}

std::string describe(const Document& value) {
    constexpr std::size_t longest = 60;
    switch (value.type()) {
        case Document::value_t::null:
            return "nothing";
        case Document::value_t::object:
            return "an object";
        case Document::value_t::array:
            return "a list";
        case Document::value_t::string: {
            const std::string text = to_json_text(value);
            return "the text " +
                   (text.size() <= longest ? text : text.substr(0, longest) + "...\"");
        }
        default:
            return to_json_text(value);
    }
}

}  // namespace penstock::api
