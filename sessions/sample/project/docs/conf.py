"""The manual's settings."""

project = "Abacus"
author = "The Abacus people"
version = release = "1.0"
extensions = ["rst2pdf.pdfbuilder"]
language = "en"
pdf_documents = [("index", "abacus", "The Abacus manual", author)]
