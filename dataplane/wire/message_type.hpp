// Message types by the names of PostgreSQL's manual ("Message Formats"). The value is the byte on
// the wire.
#pragma once

namespace penstock::wire {

enum class Frontend : char {
    Bind = 'B',
    Close = 'C',
    CopyData = 'd',
    CopyDone = 'c',
    CopyFail = 'f',
    Describe = 'D',
    Execute = 'E',
    Flush = 'H',
    FunctionCall = 'F',
    Parse = 'P',
    Password = 'p',  // PasswordMessage, SASLInitialResponse, SASLResponse
    Query = 'Q',
    Sync = 'S',
    Terminate = 'X',
};

enum class Backend : char {
    Authentication = 'R',
    BackendKeyData = 'K',
    BindComplete = '2',
    CloseComplete = '3',
    CommandComplete = 'C',
    CopyBothResponse = 'W',
    CopyData = 'd',
    CopyDone = 'c',
    CopyInResponse = 'G',
    CopyOutResponse = 'H',
    DataRow = 'D',
    EmptyQueryResponse = 'I',
    ErrorResponse = 'E',
    FunctionCallResponse = 'V',
    NegotiateProtocolVersion = 'v',
    NoData = 'n',
    NoticeResponse = 'N',
    NotificationResponse = 'A',
    ParameterDescription = 't',
    ParameterStatus = 'S',
    ParseComplete = '1',
    PortalSuspended = 's',
    ReadyForQuery = 'Z',
    RowDescription = 'T',
};

// The byte in ReadyForQuery.
enum class TransactionStatus : char {
    Idle = 'I',
    InTransaction = 'T',
    Failed = 'E',
};

// Is it a message that a frontend may send after authentication?
constexpr bool is_frontend_type(char type) {
    switch (static_cast<Frontend>(type)) {
        case Frontend::Bind:
        case Frontend::Close:
        case Frontend::CopyData:
        case Frontend::CopyDone:
        case Frontend::CopyFail:
        case Frontend::Describe:
        case Frontend::Execute:
        case Frontend::Flush:
        case Frontend::FunctionCall:
        case Frontend::Parse:
        case Frontend::Query:
        case Frontend::Sync:
        case Frontend::Terminate:
            return true;
        case Frontend::Password:
            return false;
    }
    return false;
}

}  // namespace penstock::wire
