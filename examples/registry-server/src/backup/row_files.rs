//! The files of rows: JSON, one row a line, compressed with gzip.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use aam_registry_backends::{Cell, RowSink, RowSource, TableRows};
use aam_registry_core::{
    Error, Result,
    types::{ArchiveKey, Sha256Digest},
};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use sha2::{Digest, Sha256};

use super::{
    archives::BackedUpArchive,
    line::{self, Head},
    manifest::{ArchivesEntry, FileEntry, TableEntry},
};

/// The name of the list of archives.
pub(super) const ARCHIVE_LIST: &str = "archives.jsonl.gz";

/// The name of the file of a table.
pub(super) fn file_of(table: &str) -> String {
    format!("tables/{table}.jsonl.gz")
}

/// Writes the rows of a database into files.
pub(super) struct RowFiles {
    folder: PathBuf,
    open: Option<OpenTable>,
    tables: Vec<TableEntry>,
    archives: LineFile,
    archive_count: u64,
    archive_bytes: u64,
    /// The id of the registry, out of its row.
    registry: Option<String>,
}

/// What was written.
#[derive(Debug)]
pub(super) struct WrittenRows {
    pub(super) tables: Vec<TableEntry>,
    pub(super) archives: ArchivesEntry,
    pub(super) registry: String,
}

struct OpenTable {
    table: String,
    columns: Vec<String>,
    file: LineFile,
    rows: u64,
    digest: Sha256,
    line: Vec<u8>,
}

impl RowFiles {
    /// Files in an empty folder.
    pub(super) fn create(folder: &Path) -> io::Result<Self> {
        std::fs::create_dir(folder.join("tables"))?;
        Ok(Self {
            archives: LineFile::create(folder, ARCHIVE_LIST)?,
            folder: folder.to_owned(),
            open: None,
            tables: Vec::new(),
            archive_count: 0,
            archive_bytes: 0,
            registry: None,
        })
    }

    /// Completes the files; what they hold is not synced to the disk yet.
    pub(super) fn finish(self) -> io::Result<WrittenRows> {
        let list = self.archives.finish()?;
        Ok(WrittenRows {
            tables: self.tables,
            archives: ArchivesEntry { count: self.archive_count, total_bytes: self.archive_bytes, list },
            registry: self.registry.ok_or_else(|| io::Error::other("the database has no id of a registry"))?,
        })
    }

    fn close_table(&mut self) -> io::Result<()> {
        if let Some(OpenTable { table, file, rows, digest, .. }) = self.open.take() {
            let rows_sha256 = text_of(digest);
            self.tables.push(TableEntry { table, rows, rows_sha256, file: file.finish()? });
        }
        Ok(())
    }

    /// Notes what of a row is needed to copy the archives.
    fn note(&mut self, cells: &[Cell]) -> io::Result<()> {
        let Some(open) = &self.open else { return Ok(()) };
        let cell = |column: &str| {
            let place = open.columns.iter().position(|name| name == column);
            place.and_then(|place| cells.get(place)).ok_or_else(|| io::Error::other(format!("no column {column}")))
        };
        match open.table.as_str() {
            "versions" => {
                let unknown = || io::Error::other("a version whose archive is not known");
                let (Cell::Text(status), Cell::Text(archive)) = (cell("status")?, cell("archive")?) else {
                    return Err(unknown());
                };
                let (Cell::Bytes(sha256), Cell::Integer(size)) = (cell("sha256")?, cell("archive_size")?) else {
                    return Err(unknown());
                };
                // A removed version has no archive.
                if !status.ends_with("removed") {
                    let sha256: [u8; 32] = sha256.as_slice().try_into().map_err(|_| unknown())?;
                    let archive = BackedUpArchive {
                        archive: archive.parse::<ArchiveKey>().map_err(io::Error::other)?,
                        sha256: Sha256Digest::from(sha256),
                        size: size.unsigned_abs(),
                    };
                    self.archive_count += 1;
                    self.archive_bytes += archive.size;
                    self.archives.write(&archive.to_line())?;
                }
            }
            "registry_identity" => {
                if let Cell::Text(id) = cell("registry_id")? {
                    self.registry = Some(id.clone());
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl RowSink for RowFiles {
    fn table(&mut self, name: &str, columns: &[String]) -> Result<()> {
        let mut begin = || {
            self.close_table()?;
            let mut file = LineFile::create(&self.folder, &file_of(name))?;
            let head = Head { table: name.to_owned(), columns: columns.to_vec() };
            let mut line = serde_json::to_vec(&head)?;
            line.push(b'\n');
            file.write(&line)?;
            let (table, columns) = (head.table, head.columns);
            self.open = Some(OpenTable { table, columns, file, rows: 0, digest: Sha256::new(), line });
            Ok(())
        };
        begin().map_err(|error| not_written(&error))
    }

    fn row(&mut self, cells: &[Cell]) -> Result<()> {
        let mut add = || {
            let open = self.open.as_mut().ok_or_else(|| io::Error::other("a row without a table"))?;
            line::write(cells, &mut open.line)?;
            open.digest.update(&open.line);
            open.rows += 1;
            open.file.write(&open.line)?;
            self.note(cells)
        };
        add().map_err(|error| not_written(&error))
    }

    fn end(&mut self) -> Result<()> {
        self.close_table().map_err(|error| not_written(&error))
    }
}

fn not_written(error: &io::Error) -> Error {
    Error::storage(format!("the rows cannot be written: {error}"), false)
}

fn text_of(digest: Sha256) -> String {
    Sha256Digest::from(<[u8; 32]>::from(digest.finalize())).to_string()
}

/// A compressed file that is written line by line.
struct LineFile {
    name: String,
    compressed: GzEncoder<Hashing<BufWriter<File>>>,
}

impl LineFile {
    fn create(folder: &Path, name: &str) -> io::Result<Self> {
        let file = Hashing { to: BufWriter::new(File::create(folder.join(name))?), digest: Sha256::new(), bytes: 0 };
        Ok(Self { name: name.to_owned(), compressed: GzEncoder::new(file, Compression::fast()) })
    }

    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        self.compressed.write_all(line)
    }

    fn finish(self) -> io::Result<FileEntry> {
        let Hashing { mut to, digest, bytes } = self.compressed.finish()?;
        to.flush()?;
        Ok(FileEntry { file: self.name, bytes, sha256: text_of(digest) })
    }
}

/// Hashes what passes through it.
struct Hashing<W> {
    to: W,
    digest: Sha256,
    bytes: u64,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.digest.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// The lines of a compressed file.
pub(super) fn lines_of(file: &Path) -> io::Result<impl Iterator<Item = io::Result<String>> + Send + use<>> {
    Ok(BufReader::new(GzDecoder::new(BufReader::new(File::open(file)?))).lines())
}

/// The rows of a backup, whose files were fetched into a folder.
#[derive(Debug)]
pub(super) struct BackedUpRows {
    pub(super) folder: PathBuf,
    pub(super) tables: Vec<TableEntry>,
}

impl RowSource for BackedUpRows {
    fn tables(&mut self) -> Result<Vec<String>> {
        Ok(self.tables.iter().map(|entry| entry.table.clone()).collect())
    }

    fn open(&mut self, table: &str) -> Result<TableRows> {
        let name = file_of(table);
        let damaged =
            |error: String| Error::storage(format!("the file {name} of the backup is damaged: {error}"), false);
        let mut lines = lines_of(&self.folder.join(&name)).map_err(|error| damaged(error.to_string()))?;
        let head = lines.next().ok_or_else(|| damaged("it is empty".to_owned()))?;
        let head: Head = head
            .and_then(|head| serde_json::from_str(&head).map_err(io::Error::other))
            .map_err(|error| damaged(error.to_string()))?;
        if head.table != table {
            return Err(damaged(format!("it holds the table {}", head.table)));
        }
        let rows = lines.map(move |line| {
            let row = line.map_err(|error| error.to_string()).and_then(|line| line::read(&line));
            row.map_err(|error| Error::storage(format!("the file {name} of the backup is damaged: {error}"), false))
        });
        Ok(TableRows { columns: head.columns, rows: Box::new(rows) })
    }
}

/// Compares rows with those of a backup.
#[derive(Debug)]
pub(super) struct RowProof {
    expected: Vec<TableEntry>,
    open: Option<(String, u64, Sha256)>,
    line: Vec<u8>,
    seen: usize,
}

impl RowProof {
    pub(super) fn new(expected: &[TableEntry]) -> Self {
        Self { expected: expected.to_vec(), open: None, line: Vec::new(), seen: 0 }
    }

    fn close_table(&mut self) -> Result<()> {
        let Some((table, rows, digest)) = self.open.take() else { return Ok(()) };
        self.seen += 1;
        let other =
            |what: String| Err(Error::storage(format!("the table {table} is not that of the backup: {what}"), false));
        match self.expected.iter().find(|entry| entry.table == table) {
            None => other("the backup has no such table".to_owned()),
            Some(entry) if entry.rows != rows => other(format!("{rows} rows instead of {}", entry.rows)),
            Some(entry) if entry.rows_sha256 != text_of(digest) => other("its rows are others".to_owned()),
            Some(_) => Ok(()),
        }
    }
}

impl RowSink for RowProof {
    fn table(&mut self, name: &str, _: &[String]) -> Result<()> {
        self.close_table()?;
        self.open = Some((name.to_owned(), 0, Sha256::new()));
        Ok(())
    }

    fn row(&mut self, cells: &[Cell]) -> Result<()> {
        line::write(cells, &mut self.line).map_err(Error::internal)?;
        if let Some((_, rows, digest)) = &mut self.open {
            *rows += 1;
            digest.update(&self.line);
        }
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        self.close_table()?;
        if self.seen == self.expected.len() {
            return Ok(());
        }
        Err(Error::storage(format!("the database has {} tables, the backup {}", self.seen, self.expected.len()), false))
    }
}

/// Counts and hashes the rows of a fetched file of a table.
pub(super) fn measure(folder: &Path, entry: &TableEntry) -> Result<()> {
    let mut rows = BackedUpRows { folder: folder.to_owned(), tables: vec![entry.clone()] };
    let given = rows.open(&entry.table)?;
    let mut proof = RowProof::new(std::slice::from_ref(entry));
    proof.table(&entry.table, &given.columns)?;
    for row in given.rows {
        proof.row(&row?)?;
    }
    proof.end()
}

/// Reads a file to its end and hashes it.
pub(super) fn digest_of(mut file: impl Read) -> io::Result<(u64, Sha256Digest)> {
    let mut hashing = Hashing { to: io::sink(), digest: Sha256::new(), bytes: 0 };
    io::copy(&mut file, &mut hashing)?;
    Ok((hashing.bytes, Sha256Digest::from(<[u8; 32]>::from(hashing.digest.finalize()))))
}
