-- Revision 0001, as it was published. It never changes (a test holds its digest): what comes later is revision 0002.

CREATE TABLE bars_day (
    instrument INTEGER NOT NULL,
    source INTEGER NOT NULL,
    step SMALLINT NOT NULL,
    ts TIMESTAMP WITH TIME ZONE NOT NULL,
    ts_ns SMALLINT NOT NULL,
    open_e8 BIGINT NOT NULL,
    high_e8 BIGINT NOT NULL,
    low_e8 BIGINT NOT NULL,
    close_e8 BIGINT NOT NULL,
    volume_e8 BIGINT NOT NULL,
    known_at BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    is_retracted BOOLEAN NOT NULL,
    PRIMARY KEY (instrument, source, step, ts, ts_ns)
);

CREATE TABLE bars_day_superseded (
    instrument INTEGER NOT NULL,
    source INTEGER NOT NULL,
    step SMALLINT NOT NULL,
    ts TIMESTAMP WITH TIME ZONE NOT NULL,
    ts_ns SMALLINT NOT NULL,
    open_e8 BIGINT NOT NULL,
    high_e8 BIGINT NOT NULL,
    low_e8 BIGINT NOT NULL,
    close_e8 BIGINT NOT NULL,
    volume_e8 BIGINT NOT NULL,
    known_at BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    is_retracted BOOLEAN NOT NULL,
    PRIMARY KEY (instrument, source, step, ts, ts_ns, known_at, recorded_at)
);

CREATE TABLE bars_hour (
    instrument INTEGER NOT NULL,
    source INTEGER NOT NULL,
    step SMALLINT NOT NULL,
    ts TIMESTAMP WITH TIME ZONE NOT NULL,
    ts_ns SMALLINT NOT NULL,
    open_e8 BIGINT NOT NULL,
    high_e8 BIGINT NOT NULL,
    low_e8 BIGINT NOT NULL,
    close_e8 BIGINT NOT NULL,
    volume_e8 BIGINT NOT NULL,
    known_at BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    is_retracted BOOLEAN NOT NULL,
    PRIMARY KEY (instrument, source, step, ts, ts_ns)
);

CREATE TABLE bars_hour_superseded (
    instrument INTEGER NOT NULL,
    source INTEGER NOT NULL,
    step SMALLINT NOT NULL,
    ts TIMESTAMP WITH TIME ZONE NOT NULL,
    ts_ns SMALLINT NOT NULL,
    open_e8 BIGINT NOT NULL,
    high_e8 BIGINT NOT NULL,
    low_e8 BIGINT NOT NULL,
    close_e8 BIGINT NOT NULL,
    volume_e8 BIGINT NOT NULL,
    known_at BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    is_retracted BOOLEAN NOT NULL,
    PRIMARY KEY (instrument, source, step, ts, ts_ns, known_at, recorded_at)
);

CREATE TABLE bars_minute (
    instrument INTEGER NOT NULL,
    source INTEGER NOT NULL,
    step SMALLINT NOT NULL,
    ts TIMESTAMP WITH TIME ZONE NOT NULL,
    ts_ns SMALLINT NOT NULL,
    open_e8 BIGINT NOT NULL,
    high_e8 BIGINT NOT NULL,
    low_e8 BIGINT NOT NULL,
    close_e8 BIGINT NOT NULL,
    volume_e8 BIGINT NOT NULL,
    known_at BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    is_retracted BOOLEAN NOT NULL,
    PRIMARY KEY (instrument, source, step, ts, ts_ns)
);

CREATE TABLE bars_minute_superseded (
    instrument INTEGER NOT NULL,
    source INTEGER NOT NULL,
    step SMALLINT NOT NULL,
    ts TIMESTAMP WITH TIME ZONE NOT NULL,
    ts_ns SMALLINT NOT NULL,
    open_e8 BIGINT NOT NULL,
    high_e8 BIGINT NOT NULL,
    low_e8 BIGINT NOT NULL,
    close_e8 BIGINT NOT NULL,
    volume_e8 BIGINT NOT NULL,
    known_at BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    is_retracted BOOLEAN NOT NULL,
    PRIMARY KEY (instrument, source, step, ts, ts_ns, known_at, recorded_at)
);

CREATE TABLE bars_second (
    instrument INTEGER NOT NULL,
    source INTEGER NOT NULL,
    step SMALLINT NOT NULL,
    ts TIMESTAMP WITH TIME ZONE NOT NULL,
    ts_ns SMALLINT NOT NULL,
    open_e8 BIGINT NOT NULL,
    high_e8 BIGINT NOT NULL,
    low_e8 BIGINT NOT NULL,
    close_e8 BIGINT NOT NULL,
    volume_e8 BIGINT NOT NULL,
    known_at BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    is_retracted BOOLEAN NOT NULL,
    PRIMARY KEY (instrument, source, step, ts, ts_ns)
);

CREATE TABLE bars_second_superseded (
    instrument INTEGER NOT NULL,
    source INTEGER NOT NULL,
    step SMALLINT NOT NULL,
    ts TIMESTAMP WITH TIME ZONE NOT NULL,
    ts_ns SMALLINT NOT NULL,
    open_e8 BIGINT NOT NULL,
    high_e8 BIGINT NOT NULL,
    low_e8 BIGINT NOT NULL,
    close_e8 BIGINT NOT NULL,
    volume_e8 BIGINT NOT NULL,
    known_at BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    is_retracted BOOLEAN NOT NULL,
    PRIMARY KEY (instrument, source, step, ts, ts_ns, known_at, recorded_at)
);

CREATE TABLE bars_week (
    instrument INTEGER NOT NULL,
    source INTEGER NOT NULL,
    step SMALLINT NOT NULL,
    ts TIMESTAMP WITH TIME ZONE NOT NULL,
    ts_ns SMALLINT NOT NULL,
    open_e8 BIGINT NOT NULL,
    high_e8 BIGINT NOT NULL,
    low_e8 BIGINT NOT NULL,
    close_e8 BIGINT NOT NULL,
    volume_e8 BIGINT NOT NULL,
    known_at BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    is_retracted BOOLEAN NOT NULL,
    PRIMARY KEY (instrument, source, step, ts, ts_ns)
);

CREATE TABLE bars_week_superseded (
    instrument INTEGER NOT NULL,
    source INTEGER NOT NULL,
    step SMALLINT NOT NULL,
    ts TIMESTAMP WITH TIME ZONE NOT NULL,
    ts_ns SMALLINT NOT NULL,
    open_e8 BIGINT NOT NULL,
    high_e8 BIGINT NOT NULL,
    low_e8 BIGINT NOT NULL,
    close_e8 BIGINT NOT NULL,
    volume_e8 BIGINT NOT NULL,
    known_at BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    is_retracted BOOLEAN NOT NULL,
    PRIMARY KEY (instrument, source, step, ts, ts_ns, known_at, recorded_at)
);

CREATE TABLE cash (
    world TEXT NOT NULL,
    account_id TEXT NOT NULL,
    currency TEXT NOT NULL,
    cash NUMERIC NOT NULL,
    deposits NUMERIC NOT NULL,
    realized NUMERIC NOT NULL,
    fees NUMERIC NOT NULL,
    journal_seq BIGINT NOT NULL,
    PRIMARY KEY (world, account_id)
);

CREATE TABLE corporate_actions (
    instrument INTEGER NOT NULL,
    source INTEGER NOT NULL,
    ts TIMESTAMP WITH TIME ZONE NOT NULL,
    ts_ns SMALLINT NOT NULL,
    kind INTEGER NOT NULL,
    numerator BIGINT NOT NULL,
    denominator BIGINT NOT NULL,
    amount_e8 BIGINT NOT NULL,
    currency INTEGER NOT NULL,
    reference_e8 BIGINT NOT NULL,
    other_id INTEGER NOT NULL,
    note INTEGER NOT NULL,
    known_at BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    is_retracted BOOLEAN NOT NULL,
    PRIMARY KEY (instrument, source, ts, ts_ns, kind)
);

CREATE TABLE corporate_actions_superseded (
    instrument INTEGER NOT NULL,
    source INTEGER NOT NULL,
    ts TIMESTAMP WITH TIME ZONE NOT NULL,
    ts_ns SMALLINT NOT NULL,
    kind INTEGER NOT NULL,
    numerator BIGINT NOT NULL,
    denominator BIGINT NOT NULL,
    amount_e8 BIGINT NOT NULL,
    currency INTEGER NOT NULL,
    reference_e8 BIGINT NOT NULL,
    other_id INTEGER NOT NULL,
    note INTEGER NOT NULL,
    known_at BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    is_retracted BOOLEAN NOT NULL,
    PRIMARY KEY (instrument, source, ts, ts_ns, kind, known_at, recorded_at)
);

CREATE TABLE earnings_calendar (
    instrument INTEGER NOT NULL,
    report_date DATE NOT NULL,
    source TEXT NOT NULL,
    at TEXT NOT NULL,
    eps_estimate NUMERIC,
    eps_actual NUMERIC,
    known_at BIGINT NOT NULL,
    PRIMARY KEY (instrument, report_date, source)
);

CREATE TABLE fills (
    world TEXT NOT NULL,
    account_id TEXT NOT NULL,
    fill_id TEXT NOT NULL,
    client_order_id TEXT NOT NULL,
    instrument_id TEXT NOT NULL,
    sign SMALLINT NOT NULL,
    quantity NUMERIC NOT NULL,
    price NUMERIC NOT NULL,
    fee NUMERIC NOT NULL,
    currency TEXT NOT NULL,
    liquidity TEXT NOT NULL,
    ts TIMESTAMP WITH TIME ZONE NOT NULL,
    ts_ns SMALLINT NOT NULL,
    venue_order_id TEXT NOT NULL,
    corrects TEXT NOT NULL,
    is_standing BOOLEAN NOT NULL,
    journal_seq BIGINT NOT NULL,
    PRIMARY KEY (world, account_id, fill_id)
);

CREATE TABLE instruments (
    key INTEGER GENERATED ALWAYS AS IDENTITY,
    name TEXT NOT NULL,
    PRIMARY KEY (key),
    UNIQUE (name)
);

CREATE TABLE jobs (
    job TEXT NOT NULL,
    run_key TEXT NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    outcome TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (job, run_key, started_at)
);

CREATE TABLE lots (
    world TEXT NOT NULL,
    account_id TEXT NOT NULL,
    instrument_id TEXT NOT NULL,
    lot_id TEXT NOT NULL,
    quantity NUMERIC NOT NULL,
    cost NUMERIC NOT NULL,
    price NUMERIC NOT NULL,
    opened_at BIGINT NOT NULL,
    fill_id TEXT NOT NULL,
    journal_seq BIGINT NOT NULL,
    PRIMARY KEY (world, account_id, instrument_id, lot_id)
);

CREATE TABLE mirror_cursor (
    stream TEXT NOT NULL,
    owner TEXT NOT NULL,
    seq BIGINT NOT NULL,
    digest TEXT NOT NULL,
    moved_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (stream)
);

CREATE TABLE mirror_refresh (
    view TEXT NOT NULL,
    low TIMESTAMP WITH TIME ZONE NOT NULL,
    high TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (view, low, high)
);

CREATE TABLE model_metadata (
    model TEXT NOT NULL,
    version TEXT NOT NULL,
    trained_at TIMESTAMP WITH TIME ZONE NOT NULL,
    card JSONB,
    PRIMARY KEY (model, version)
);

CREATE TABLE news (
    news_id TEXT NOT NULL,
    ts TIMESTAMP WITH TIME ZONE NOT NULL,
    source TEXT NOT NULL,
    headline TEXT NOT NULL,
    tone SMALLINT NOT NULL,
    instruments TEXT[] NOT NULL,
    known_at BIGINT NOT NULL,
    PRIMARY KEY (news_id, ts)
);

CREATE TABLE orders (
    world TEXT NOT NULL,
    client_order_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    instrument_id TEXT NOT NULL,
    side TEXT NOT NULL,
    order_type TEXT NOT NULL,
    time_in_force TEXT NOT NULL,
    session TEXT NOT NULL,
    quantity NUMERIC NOT NULL,
    limit_price NUMERIC,
    stop_price NUMERIC,
    status TEXT NOT NULL,
    is_unknown BOOLEAN NOT NULL,
    filled_quantity NUMERIC NOT NULL,
    average_price NUMERIC,
    fees NUMERIC NOT NULL,
    role TEXT NOT NULL,
    parent_id TEXT NOT NULL,
    venue_order_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    code TEXT NOT NULL,
    origin TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    journal_seq BIGINT NOT NULL,
    PRIMARY KEY (world, client_order_id)
);

CREATE TABLE positions (
    world TEXT NOT NULL,
    account_id TEXT NOT NULL,
    instrument_id TEXT NOT NULL,
    quantity NUMERIC NOT NULL,
    cost NUMERIC NOT NULL,
    realized NUMERIC NOT NULL,
    fees NUMERIC NOT NULL,
    opened_at BIGINT NOT NULL,
    journal_seq BIGINT NOT NULL,
    PRIMARY KEY (world, account_id, instrument_id)
);

CREATE TABLE predictions (
    instrument INTEGER NOT NULL,
    model TEXT NOT NULL,
    horizon_s INTEGER NOT NULL,
    ts TIMESTAMP WITH TIME ZONE NOT NULL,
    ts_ns SMALLINT NOT NULL,
    known_at BIGINT NOT NULL,
    value DOUBLE PRECISION,
    low DOUBLE PRECISION,
    high DOUBLE PRECISION,
    probability DOUBLE PRECISION,
    PRIMARY KEY (instrument, model, horizon_s, ts, ts_ns)
);

CREATE TABLE quotes (
    instrument INTEGER NOT NULL,
    source INTEGER NOT NULL,
    ts TIMESTAMP WITH TIME ZONE NOT NULL,
    ts_ns SMALLINT NOT NULL,
    seq BIGINT NOT NULL,
    bid_e8 BIGINT,
    bid_size_e8 BIGINT,
    ask_e8 BIGINT,
    ask_size_e8 BIGINT,
    exchange INTEGER NOT NULL,
    conditions INTEGER NOT NULL,
    flags BIGINT NOT NULL,
    known_at BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    is_retracted BOOLEAN NOT NULL,
    PRIMARY KEY (instrument, source, ts, ts_ns, seq)
);

CREATE TABLE quotes_superseded (
    instrument INTEGER NOT NULL,
    source INTEGER NOT NULL,
    ts TIMESTAMP WITH TIME ZONE NOT NULL,
    ts_ns SMALLINT NOT NULL,
    seq BIGINT NOT NULL,
    bid_e8 BIGINT,
    bid_size_e8 BIGINT,
    ask_e8 BIGINT,
    ask_size_e8 BIGINT,
    exchange INTEGER NOT NULL,
    conditions INTEGER NOT NULL,
    flags BIGINT NOT NULL,
    known_at BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    is_retracted BOOLEAN NOT NULL,
    PRIMARY KEY (instrument, source, ts, ts_ns, seq, known_at, recorded_at)
);

CREATE TABLE series (
    tbl TEXT NOT NULL,
    instrument INTEGER NOT NULL,
    source INTEGER NOT NULL,
    step SMALLINT NOT NULL,
    first_ts TIMESTAMP WITH TIME ZONE NOT NULL,
    last_ts TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (tbl, instrument, source, step)
);

CREATE TABLE sources (
    key INTEGER GENERATED ALWAYS AS IDENTITY,
    name TEXT NOT NULL,
    PRIMARY KEY (key),
    UNIQUE (name)
);

CREATE TABLE trades (
    instrument INTEGER NOT NULL,
    source INTEGER NOT NULL,
    ts TIMESTAMP WITH TIME ZONE NOT NULL,
    ts_ns SMALLINT NOT NULL,
    seq BIGINT NOT NULL,
    price_e8 BIGINT NOT NULL,
    size_e8 BIGINT NOT NULL,
    exchange INTEGER NOT NULL,
    conditions INTEGER NOT NULL,
    flags BIGINT NOT NULL,
    known_at BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    is_retracted BOOLEAN NOT NULL,
    PRIMARY KEY (instrument, source, ts, ts_ns, seq)
);

CREATE TABLE trades_superseded (
    instrument INTEGER NOT NULL,
    source INTEGER NOT NULL,
    ts TIMESTAMP WITH TIME ZONE NOT NULL,
    ts_ns SMALLINT NOT NULL,
    seq BIGINT NOT NULL,
    price_e8 BIGINT NOT NULL,
    size_e8 BIGINT NOT NULL,
    exchange INTEGER NOT NULL,
    conditions INTEGER NOT NULL,
    flags BIGINT NOT NULL,
    known_at BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    is_retracted BOOLEAN NOT NULL,
    PRIMARY KEY (instrument, source, ts, ts_ns, seq, known_at, recorded_at)
);

CREATE TABLE words (
    key INTEGER GENERATED ALWAYS AS IDENTITY,
    name TEXT NOT NULL,
    PRIMARY KEY (key),
    UNIQUE (name)
);

CREATE VIEW bars_numeric AS
SELECT i.name AS instrument_id, s.name AS source, t.step::text || 's' AS spec, t.ts, t.ts_ns, to_timestamp(t.known_at / 1000000000.0) AS known_at, t.open_e8 * 0.00000001 AS open, t.high_e8 * 0.00000001 AS high, t.low_e8 * 0.00000001 AS low, t.close_e8 * 0.00000001 AS close, t.volume_e8 * 0.00000001 AS volume
FROM bars_second t JOIN instruments i ON i.key = t.instrument JOIN sources s ON s.key = t.source WHERE NOT t.is_retracted
UNION ALL SELECT i.name AS instrument_id, s.name AS source, t.step::text || 'm' AS spec, t.ts, t.ts_ns, to_timestamp(t.known_at / 1000000000.0) AS known_at, t.open_e8 * 0.00000001 AS open, t.high_e8 * 0.00000001 AS high, t.low_e8 * 0.00000001 AS low, t.close_e8 * 0.00000001 AS close, t.volume_e8 * 0.00000001 AS volume
FROM bars_minute t JOIN instruments i ON i.key = t.instrument JOIN sources s ON s.key = t.source WHERE NOT t.is_retracted
UNION ALL SELECT i.name AS instrument_id, s.name AS source, t.step::text || 'h' AS spec, t.ts, t.ts_ns, to_timestamp(t.known_at / 1000000000.0) AS known_at, t.open_e8 * 0.00000001 AS open, t.high_e8 * 0.00000001 AS high, t.low_e8 * 0.00000001 AS low, t.close_e8 * 0.00000001 AS close, t.volume_e8 * 0.00000001 AS volume
FROM bars_hour t JOIN instruments i ON i.key = t.instrument JOIN sources s ON s.key = t.source WHERE NOT t.is_retracted
UNION ALL SELECT i.name AS instrument_id, s.name AS source, t.step::text || 'd' AS spec, t.ts, t.ts_ns, to_timestamp(t.known_at / 1000000000.0) AS known_at, t.open_e8 * 0.00000001 AS open, t.high_e8 * 0.00000001 AS high, t.low_e8 * 0.00000001 AS low, t.close_e8 * 0.00000001 AS close, t.volume_e8 * 0.00000001 AS volume
FROM bars_day t JOIN instruments i ON i.key = t.instrument JOIN sources s ON s.key = t.source WHERE NOT t.is_retracted
UNION ALL SELECT i.name AS instrument_id, s.name AS source, t.step::text || 'w' AS spec, t.ts, t.ts_ns, to_timestamp(t.known_at / 1000000000.0) AS known_at, t.open_e8 * 0.00000001 AS open, t.high_e8 * 0.00000001 AS high, t.low_e8 * 0.00000001 AS low, t.close_e8 * 0.00000001 AS close, t.volume_e8 * 0.00000001 AS volume
FROM bars_week t JOIN instruments i ON i.key = t.instrument JOIN sources s ON s.key = t.source WHERE NOT t.is_retracted;

CREATE VIEW quotes_numeric AS
SELECT i.name AS instrument_id, s.name AS source, t.ts, t.ts_ns, to_timestamp(t.known_at / 1000000000.0) AS known_at, t.seq, t.bid_e8 * 0.00000001 AS bid, t.bid_size_e8 * 0.00000001 AS bid_size, t.ask_e8 * 0.00000001 AS ask, t.ask_size_e8 * 0.00000001 AS ask_size, (SELECT w.name
FROM words w WHERE w.key = t.exchange) AS exchange, (SELECT w.name
FROM words w WHERE w.key = t.conditions) AS conditions, t.flags
FROM quotes t JOIN instruments i ON i.key = t.instrument JOIN sources s ON s.key = t.source WHERE NOT t.is_retracted;

CREATE VIEW trades_numeric AS
SELECT i.name AS instrument_id, s.name AS source, t.ts, t.ts_ns, to_timestamp(t.known_at / 1000000000.0) AS known_at, t.seq, t.price_e8 * 0.00000001 AS price, t.size_e8 * 0.00000001 AS size, (SELECT w.name
FROM words w WHERE w.key = t.exchange) AS exchange, (SELECT w.name
FROM words w WHERE w.key = t.conditions) AS conditions, t.flags
FROM trades t JOIN instruments i ON i.key = t.instrument JOIN sources s ON s.key = t.source WHERE NOT t.is_retracted;

CREATE VIEW actions_numeric AS
SELECT i.name AS instrument_id, s.name AS source, t.ts, t.ts_ns, to_timestamp(t.known_at / 1000000000.0) AS known_at, (SELECT w.name
FROM words w WHERE w.key = t.kind) AS kind, t.numerator, t.denominator, t.amount_e8 * 0.00000001 AS amount, t.reference_e8 * 0.00000001 AS reference, (SELECT w.name
FROM words w WHERE w.key = t.currency) AS currency, (SELECT w.name
FROM words w WHERE w.key = t.other_id) AS other_id, (SELECT w.name
FROM words w WHERE w.key = t.note) AS note
FROM corporate_actions t JOIN instruments i ON i.key = t.instrument JOIN sources s ON s.key = t.source WHERE NOT t.is_retracted;
