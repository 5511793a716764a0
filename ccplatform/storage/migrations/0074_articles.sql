-- What supervisors publish for agents (R10.1.d): notices and short articles, and who has read which text of them.
CREATE TABLE articles (
    tenant text NOT NULL DEFAULT 'default',
    id text NOT NULL,
    document jsonb NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, id)
);

CREATE TABLE article_readings (
    tenant text NOT NULL DEFAULT 'default',
    article text NOT NULL,
    reader text NOT NULL,
    version text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, article, reader),
    FOREIGN KEY (tenant, article) REFERENCES articles (tenant, id) ON DELETE CASCADE
);
COMMENT ON COLUMN article_readings.version IS 'names the text that he has read: a changed text is to be read again';
